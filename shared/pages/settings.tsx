import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Card, Shown } from './parts.js'
import { type Answer, read } from './server.js'

/** A setting, as `config --json` prints it. */
interface Holding {
  readonly setting: string
  readonly means?: string
  readonly value: string | null
  readonly from: 'flag' | 'variable' | 'file' | 'network' | 'default'
  readonly place?: string
}

const found = signal<Answer<{ settings: readonly Holding[] }> | undefined>(undefined)

async function look(): Promise<void> {
  found.value = undefined
  found.value = await read('settings')
}

/** Every setting with what it is for and where its value came from; those that somebody set before those that nobody did. */
export function SettingsList({
  texts,
}: {
  texts: {
    readonly hint: string
    readonly set: string
    readonly usual: string
    readonly none: string
    readonly from: Readonly<Record<Holding['from'], string>>
  }
}) {
  useEffect(() => void look(), [])
  const list = (settings: readonly Holding[]) => (
    <dl class="settings">
      {settings.map((each) => (
        <div key={`${each.setting} ${each.place}`}>
          <dt>
            <code>{each.setting}</code>
          </dt>
          <dd>
            <strong class="value">{each.value ?? texts.none}</strong>
            <span class="soft small">
              {texts.from[each.from]}
              {each.place === undefined ? null : (
                <>
                  {' '}
                  <code>{each.place}</code>
                </>
              )}
            </span>
            {each.means === undefined ? null : <p class="small">{each.means}</p>}
          </dd>
        </div>
      ))}
    </dl>
  )
  return (
    <Shown of={found.value} again={() => void look()} alone>
      {({ settings }) => (
        <>
          <Card title={texts.set}>
            <div class="stack">
              <p class="soft">{texts.hint}</p>
              {list(settings.filter(({ from }) => from !== 'default'))}
            </div>
          </Card>
          <Card title={texts.usual}>{list(settings.filter(({ from }) => from === 'default'))}</Card>
        </>
      )}
    </Shown>
  )
}
