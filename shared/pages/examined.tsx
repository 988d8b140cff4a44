import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Card, Shown } from './parts.js'
import { type Answer, read } from './server.js'

/** A thing that was looked at, and what is said of it. */
export interface Look {
  readonly about: string
  readonly verdict: 'ok' | 'note' | 'bad'
  readonly says: string
}

const examined = signal<Answer<{ ok: boolean; checks: readonly object[] }> | undefined>(undefined)
const kinds = { ok: 'good', note: '', bad: 'bad' } as const

async function examine(): Promise<void> {
  examined.value = undefined
  examined.value = await read('doctor')
}

/** What `doctor` finds. @param lookOf - How the program's own doctor names what it says */
export function Examined({
  texts,
  lookOf,
}: {
  texts: { readonly title: string; readonly again: string; readonly ok: string }
  lookOf: (check: never) => Look
}) {
  useEffect(() => void examine(), [])
  return (
    <Card title={texts.title}>
      <div class="stack">
        <Shown of={examined.value} again={() => void examine()}>
          {({ ok, checks }) => (
            <>
              {ok ? <p>{texts.ok}</p> : null}
              <ul class="findings">
                {checks
                  .map((check) => lookOf(check as never))
                  .map(({ about, verdict, says }) => (
                    <li key={about}>
                      <span class={`pill ${kinds[verdict]}`}>{about}</span>
                      <span>{says}</span>
                    </li>
                  ))}
              </ul>
            </>
          )}
        </Shown>
        <div>
          <button type="button" onClick={() => void examine()} disabled={examined.value === undefined}>
            {texts.again}
          </button>
        </div>
      </div>
    </Card>
  )
}
