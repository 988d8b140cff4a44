import { useState } from 'preact/hooks'
import {
  bytes,
  country,
  duration,
  short,
  speed,
  timePrice,
  tokens,
  trafficPrice,
} from '../../shared/pages/amounts.js'
import { Curve } from '../../shared/pages/curve.js'
import { Card, Deed, Field, Ring, Shown, Tiles } from '../../shared/pages/parts.js'
import { newest } from '../../shared/pages/speeds.js'
import { heardAt, now, points, type State as StateName, type Status, status } from './state.js'
import { secondsLeft, stateWords } from './stateWords.js'
import { texts } from './texts.js'

/** Where things stand, and the one button. */
export const Now = () => (
  <Shown of={now.value} alone>
    {(is: Status) => (
      <>
        <State of={is} />
        {is.live === null ? null : (
          <Card title={texts.traffic}>
            <Curve
              points={points.value}
              label={texts.curve(speed(newest(points.value.down)), speed(newest(points.value.up)))}
            />
          </Card>
        )}
        <Limits of={is} />
      </>
    )}
  </Shown>
)

function State({ of }: { of: Status }) {
  const { pill, kind, title, means } = stateWords(of)
  return (
    <section class="card stack">
      <div class="row apart">
        <span class={`pill ${kind}`}>{pill}</span>
        {of.problems === null ? <span class="soft small">{texts.noRoot}</span> : null}
      </div>
      <div>
        <h1>{title}</h1>
        <p class="soft">{means}</p>
        {of.live?.reason ? <p>{of.live.reason}</p> : null}
      </div>
      {of.problems && of.problems.length > 0 ? (
        <p class="notice bad" role="alert">
          <strong>{texts.problems}</strong>
          {of.problems.join(' ')}
        </p>
      ) : null}
      <Button of={of.state} />
      {of.live?.serving ? <Facts of={of} /> : null}
    </section>
  )
}

function Button({ of }: { of: StateName }) {
  const [cap, setCap] = useState('')
  const [budget, setBudget] = useState('')
  if (of === 'connected' || of === 'suspended')
    return (
      <div>
        <Deed name="disconnect" label={texts.disconnect} kind="big" />
      </div>
    )
  if (of === 'connecting' || of === 'reconnecting')
    return (
      <div>
        <Deed name="disconnect" label={of === 'connecting' ? texts.callOff : texts.openNetwork} kind="big" />
      </div>
    )
  return (
    <div class="row form">
      <Field
        label={texts.cap}
        placeholder={texts.capHint}
        value={cap}
        onInput={(event) => setCap(event.currentTarget.value.trim())}
      />
      <Field
        label={texts.budget}
        placeholder={texts.budgetHint}
        inputMode="decimal"
        value={budget}
        onInput={(event) => setBudget(event.currentTarget.value.trim())}
      />
      <Deed
        name="connect"
        fields={{ cap, budget }}
        label={texts.connect}
        busy={texts.connecting}
        kind="main big"
        question={texts.connectCosts(cap, budget)}
      />
      {of === 'disconnected' ? null : <Deed name="disconnect" label={texts.openNetwork} kind="big" />}
    </div>
  )
}

function Facts({ of }: { of: Status }) {
  const { live, units, provider, downBytes, upBytes } = of
  const serving = live?.serving
  const price =
    serving &&
    [
      trafficPrice(serving.price.perMegabyte, units?.perMegabyte),
      timePrice(serving.price.perHour, units?.perHour),
    ]
      .filter((each) => each !== '')
      .join(' + ')
  return (
    <Tiles
      of={[
        [texts.tiles.country, serving ? country(serving.country) : '–'],
        [texts.tiles.provider, <span title={provider ?? ''}>{short(provider ?? '')}</span>],
        [texts.tiles.since, serving ? duration((heardAt.value - serving.sinceMs) / 1_000) : '–'],
        [texts.tiles.down, bytes(downBytes)],
        [texts.tiles.up, bytes(upBytes)],
        [texts.tiles.spent, tokens(live?.spentWei, units?.spentWei)],
        [texts.tiles.price, price ?? '–'],
        [texts.tiles.left, duration(secondsLeft(of) ?? Number.NaN)],
        [texts.tiles.killSwitch, of.killSwitch ? texts.on : texts.off],
        [texts.tiles.carrier, carriedBy(live)],
        ...(live?.postQuantum == null
          ? []
          : [[texts.tiles.postQuantum, live.postQuantum ? texts.on : texts.off] as const]),
        ...(of.beside.length === 0
          ? []
          : [[texts.tiles.beside, of.beside.map(({ name }) => name).join(', ')] as const]),
        ...(of.gateway.length === 0 ? [] : [[texts.tiles.gateway, of.gateway.join(', ')] as const]),
        ...(of.lockdown === 'off'
          ? []
          : [[texts.tiles.lockdown, of.lockdown === 'on' ? texts.on : texts.lifted] as const]),
      ]}
    />
  )
}

function carriedBy(live: Status['live']): string {
  const carrier = texts.carriers[live?.carrier ?? ''] ?? '–'
  return live?.proxy ? texts.through(carrier, live.proxy) : carrier
}

function Limits({ of }: { of: Status }) {
  const allowances = of.live?.allowances
  if (!allowances) return null
  const ring = (name: string, given: { used: string; left: string }, words: string) => {
    const used = Number(given.used)
    const all = used + Number(given.left)
    return <Ring name={name} share={all === 0 ? 1 : used / all} words={texts.leftOf(words)} />
  }
  const { cap, budget, channel } = allowances
  return (
    <Card title={texts.limits}>
      <div class="rings">
        {cap ? ring(texts.cap, cap, bytes(cap.left)) : null}
        {budget ? ring(texts.budget, budget, tokens(budget.left, of.units?.['budget.left'], 4)) : null}
        {ring(texts.channelRing, channel, tokens(channel.left, of.units?.['channel.left'], 4))}
      </div>
    </Card>
  )
}

/** Whether something is being paid for right now. */
export const isServed = (): boolean =>
  status.value?.state === 'connected' || status.value?.state === 'suspended'
