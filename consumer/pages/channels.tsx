import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { duration, short, tokens, type Units } from '../../shared/pages/amounts.js'
import { Card, Deed, Empty, Field, Shown, Tiles } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { heardAt } from './state.js'
import { texts } from './texts.js'

interface Channel {
  readonly channelId: string
  readonly hub: string
  readonly status: string
  readonly balance: string
  /** Seconds until the rest can be taken, by the chain's clock; null where no exit has begun. */
  readonly exitInSeconds: number | null
  /** Whether a close was signed that is not finished. */
  readonly closing: boolean
  readonly promised: readonly { readonly provider: string; readonly amount: string }[]
}
interface Channels {
  readonly channels: readonly Channel[]
  readonly units?: Units
}
interface Account {
  readonly address: string
  readonly tokens: string
  readonly coin: string
  readonly units?: Units
}

const channels = signal<Answer<Channels> | undefined>(undefined)
/** Unix milliseconds of when they were read. */
const readAt = signal(0)
const account = signal<Answer<Account> | undefined>(undefined)

async function look(): Promise<void> {
  ;[channels.value, account.value] = await Promise.all([read<Channels>('channels'), read<Account>('account')])
  readAt.value = Date.now()
}

export function ChannelsPage() {
  useEffect(() => void look(), [])
  const refused = channels.value?.error
  // Said once, where both were refused for one reason.
  const isSaid = refused !== undefined && refused.message === account.value?.error?.message
  return (
    <>
      <Card title={texts.account.title}>
        <Shown of={account.value} again={() => void look()}>
          {({ address, tokens: held, coin, units }) => (
            <Tiles
              of={[
                [texts.account.tokens, tokens(held, units?.tokens)],
                [texts.account.coin, tokens(coin, units?.coin)],
                [texts.account.address, <code>{address}</code>],
              ]}
            />
          )}
        </Shown>
      </Card>
      {isSaid ? null : (
        <Shown of={channels.value} again={() => void look()} alone>
          {({ channels: found, units }) =>
            found.length === 0 ? (
              <Card>
                <Empty title={texts.channels.none}>{texts.channels.noneHint}</Empty>
              </Card>
            ) : (
              found.map((each) => <One key={each.channelId} channel={each} units={units} />)
            )
          }
        </Shown>
      )}
      <Open />
    </>
  )
}

function One({ channel, units }: { channel: Channel; units: Units }) {
  const [amount, setAmount] = useState('')
  const promised = channel.promised.reduce((sum, each) => sum + BigInt(each.amount), 0n)
  const { exitInSeconds } = channel
  const gone = Math.max(0, heardAt.value - readAt.value) / 1_000
  const seconds = exitInSeconds === null ? undefined : Math.max(0, exitInSeconds - gone)
  const isOpen = channel.status === 'open'
  return (
    <section class="card stack">
      <div class="row apart">
        <h2>
          {texts.channels.hub}{' '}
          <span class="mono" title={channel.hub}>
            {short(channel.hub)}
          </span>
        </h2>
        <span class={`pill ${isOpen && !channel.closing && seconds === undefined ? 'good' : ''}`}>
          {!isOpen
            ? channel.status
            : channel.closing
              ? texts.channels.closing
              : seconds === undefined
                ? channel.status
                : texts.channels.exiting}
        </span>
      </div>
      {seconds === undefined ? null : (
        <p class="notice">{seconds > 0 ? texts.channels.due(duration(seconds)) : texts.channels.ready}</p>
      )}
      <Tiles
        of={[
          [texts.channels.holds, tokens(channel.balance, units?.balance)],
          [texts.channels.promised, tokens(promised.toString(), units?.amount ?? units?.balance)],
        ]}
      />
      {isOpen && channel.closing ? <p class="notice">{texts.channels.closingHint}</p> : null}
      {isOpen ? (
        <div class="row form">
          {seconds === undefined && !channel.closing ? (
            <>
              <Field
                label={texts.channels.amount}
                inputMode="decimal"
                value={amount}
                onInput={(event) => setAmount(event.currentTarget.value.trim())}
              />
              <Deed
                name="topUp"
                fields={{ channel: channel.channelId, amount }}
                label={texts.channels.topUp}
                question={texts.channels.topUpCosts(amount)}
                done={() => void look()}
              />
            </>
          ) : null}
          <Deed
            name="closeChannel"
            fields={{ channel: channel.channelId }}
            label={texts.channels.close}
            question={texts.channels.closeCosts}
            done={() => void look()}
          />
          {seconds === undefined || seconds === 0 ? (
            <Deed
              name="exitChannel"
              fields={{ channel: channel.channelId }}
              label={seconds === undefined ? texts.channels.exit : texts.channels.finish}
              question={seconds === undefined ? texts.channels.exitCosts : texts.channels.finishCosts}
              done={() => void look()}
            />
          ) : null}
        </div>
      ) : null}
    </section>
  )
}

function Open() {
  const [hub, setHub] = useState('')
  const [amount, setAmount] = useState('')
  return (
    <Card title={texts.channels.open}>
      <div class="row form">
        <Field
          label={texts.channels.hub}
          placeholder="0x…"
          value={hub}
          onInput={(event) => setHub(event.currentTarget.value.trim())}
        />
        <Field
          label={texts.channels.amount}
          inputMode="decimal"
          value={amount}
          onInput={(event) => setAmount(event.currentTarget.value.trim())}
        />
        <Deed
          name="openChannel"
          fields={{ hub, amount }}
          label={texts.channels.open}
          kind="main"
          question={texts.channels.openCosts(amount)}
          done={() => void look()}
        />
      </div>
    </Card>
  )
}
