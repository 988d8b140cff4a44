import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { tokens, type Units } from '../../shared/pages/amounts.js'
import { Curve, type Lines } from '../../shared/pages/curve.js'
import { Card, Refused, Shown, Tiles, Waiting } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { ageOf, Chain, Published } from './chain.js'
import { Deadlines } from './deadlines.js'
import type { Finding } from './doctor.js'
import { Pool } from './pool.js'
import { clearsPerSecond, type Live, latencyMs, now, points, type Running } from './state.js'
import { texts } from './texts.js'

interface Status {
  readonly pool: string
  readonly pendingWithdrawal: string
  readonly advanceNeeded: string
  readonly undrawn: string
  readonly tokens: string
  readonly gasCoin: string
  readonly units?: Units
}

/** Seconds without a look at the chain after which the hub signs nothing any more. */
const maxUnseenSeconds = 60

const status = signal<Answer<Status> | undefined>(undefined)
const examined = signal<Answer<{ checks: readonly Finding[] }> | undefined>(undefined)

async function look(): Promise<void> {
  status.value = await read<Status>('status')
}

/** Once: it reads the whole ledger. */
async function examine(): Promise<void> {
  examined.value = await read('doctor')
}

export function Now() {
  useEffect(() => {
    void look()
    if (examined.value === undefined) void examine()
  }, [])
  if (now.value === undefined)
    return (
      <Card>
        <Waiting />
      </Card>
    )
  if (now.value.error !== undefined) return <Refused failure={now.value.error} />
  const is: Live = now.value
  return (
    <>
      <Head of={is} />
      <Alerts />
      {is.running ? <Pool of={is} held={held()} done={() => void look()} /> : <PoolAtRest />}
      <Deadlines changed={is.running ? `${is.urgent} ${is.channels}` : ''} />
      {is.running ? (
        <>
          <Card title={texts.clearing}>
            <Curve
              points={points.value}
              lines={lines}
              label={texts.clearingCurve(clearsPerSecond(points.value).toFixed(1))}
            />
          </Card>
          <Chain of={is} />
          <Published of={is} />
        </>
      ) : null}
    </>
  )
}

const lines: Lines = { names: [texts.clearings], unit: texts.perSecond, value: (each) => each }

function Head({ of }: { of: Live }) {
  const [kind, pill, title, hint] = !of.running
    ? ['bad', texts.pill.stopped, texts.stopped, texts.stoppedHint]
    : of.chain.unseenSeconds > maxUnseenSeconds
      ? ['bad', texts.pill.blind, texts.blind, texts.blindHint]
      : ['good', texts.pill.running, texts.running, '']
  return (
    <section class="card stack">
      <div>
        <span class={`pill ${kind}`}>{pill}</span>
      </div>
      <div>
        <h1>{title}</h1>
        {hint === '' ? null : <p class="soft">{hint}</p>}
      </div>
      {of.running ? <Facts of={of} /> : null}
    </section>
  )
}

function Facts({ of }: { of: Running }) {
  const latency = latencyMs(points.value)
  return (
    <Tiles
      of={[
        [texts.tiles.clears, clearsPerSecond(points.value).toFixed(1)],
        [texts.tiles.latency, latency === undefined ? '–' : `${latency.toFixed(1)} ms`],
        [texts.tiles.connected, of.connections],
        [texts.tiles.channels, of.channels],
        [texts.tiles.head, ageOf(of.chain)],
        [texts.tiles.gas, tokens(of.gasCoins, of.units?.gasCoins, 4)],
      ]}
    />
  )
}

/** What the doctor finds wrong; nothing while all is well. */
function Alerts() {
  const found = examined.value
  if (found === undefined || found.error !== undefined) return null
  const wrong = found.checks.filter(({ ok }) => !ok)
  if (wrong.length === 0) return null
  return (
    <Card title={texts.alerts}>
      <ul class="stack">
        {wrong.map(({ check, says }) => (
          <li key={check} class="notice bad">
            <strong>{check}</strong>
            {says}
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** What the hub's own account holds, in words. */
function held(): { tokens: string; coin: string } | undefined {
  const is = status.value
  if (is === undefined || is.error !== undefined) return undefined
  return { tokens: tokens(is.tokens, is.units?.tokens), coin: tokens(is.gasCoin, is.units?.gasCoin, 4) }
}

const PoolAtRest = () => (
  <Shown of={status.value} again={() => void look()}>
    {(is) => <Pool of={{ ...is, owed: is.advanceNeeded }} held={held()} done={() => void look()} />}
  </Shown>
)
