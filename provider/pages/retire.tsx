import { signal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { duration, moment, short, tokens, type Units } from '../../shared/pages/amounts.js'
import { Card, Deed } from '../../shared/pages/parts.js'
import type { Answer } from '../../shared/pages/server.js'
import { heardAt, now } from './state.js'
import { texts } from './texts.js'

/** As `pontage-provider retire --json` prints it. */
interface Report {
  readonly hubs: readonly HubLeft[]
  readonly unbondsAt: number
  readonly done: boolean
  readonly units?: Units
}
interface HubLeft {
  readonly hub: string
  readonly undrawn: string
  readonly protestsEndAt: number
  readonly due: string
  readonly missing: string
  readonly lost: string
}
interface Step {
  readonly title: string
  readonly state: keyof typeof texts.retire.states
  readonly says: readonly string[]
}

const answered = signal<Answer<Report> | undefined>(undefined)
const words = texts.retire

export function Retire() {
  const [isNow, setNow] = useState(false)
  const report = answered.value?.error === undefined ? answered.value : undefined
  const isRetiring = now.value?.error === undefined && now.value?.retiring === true
  return (
    <Card title={words.title}>
      <div class="stack">
        {isRetiring ? (
          <div class="row">
            <span class="pill warn">{words.under}</span>
            {report === undefined ? <span class="soft">{words.unasked}</span> : null}
          </div>
        ) : null}
        <p class="soft">{words.means}</p>
        <ol class="steps">
          {stepsOf(report, isRetiring).map(({ title, state, says }) => (
            <li key={title}>
              <div>
                <span class={`pill ${kinds[state]}`}>{words.states[state]}</span>
              </div>
              <div>
                <strong>{title}</strong>
                {says.map((each) => (
                  <p class="soft small" key={each}>
                    {each}
                  </p>
                ))}
              </div>
            </li>
          ))}
        </ol>
        <label class="check">
          <input type="checkbox" checked={isNow} onInput={(event) => setNow(event.currentTarget.checked)} />
          {words.now}
        </label>
        <div class="row">
          <Deed
            name="retire"
            fields={{ now: isNow }}
            label={isRetiring ? words.goOn : words.begin}
            question={isNow ? `${words.beginCosts} ${words.nowCosts}` : words.beginCosts}
            busy={words.busy}
            done={(answer) => {
              answered.value = answer as Answer<Report>
            }}
          />
          {isRetiring ? <Deed name="cancelRetire" label={words.cancel} question={words.cancelHint} /> : null}
        </div>
      </div>
    </Card>
  )
}

const kinds = { done: 'good', waiting: 'warn', next: '', lost: 'bad' } as const

/** What is done, what waits, and until when. */
function stepsOf(report: Report | undefined, isRetiring: boolean): Step[] {
  const live = now.value?.error === undefined ? now.value : undefined
  const running = live?.sessions?.length ?? 0
  const isWithdrawn = isRetiring || report !== undefined
  const first: Step[] = [
    { title: words.offer, state: isWithdrawn ? 'done' : 'next', says: [words.offerTakes] },
    {
      title: words.sessions,
      state: report !== undefined || (isRetiring && running === 0) ? 'done' : isRetiring ? 'waiting' : 'next',
      says: report !== undefined ? [] : [words.sessionsRun(running), words.sessionsTake],
    },
  ]
  if (report === undefined)
    return [
      ...first,
      { title: words.hubs, state: 'next', says: [words.hubsTake] },
      { title: words.stake, state: 'next', says: [words.stakeTakes] },
    ]
  const { hubs, unbondsAt, done, units } = report
  return [
    ...first,
    ...(hubs.length === 0 ? [{ title: words.hubs, state: 'done' as const, says: [words.settled] }] : []),
    ...hubs.map((each) => hubStep(each, units)),
    {
      title: words.stake,
      state: done ? 'done' : unbondsAt > 0 ? 'waiting' : 'next',
      says: [
        done
          ? words.stakeOut
          : unbondsAt > 0
            ? words.stakeFrom(moment(unbondsAt), leftUntil(unbondsAt))
            : words.stakeTakes,
      ],
    },
  ]
}

function hubStep({ hub, undrawn, protestsEndAt, due, missing, lost }: HubLeft, units: Units): Step {
  const says = [
    ...(protestsEndAt > 0
      ? [words.protested(tokens(undrawn, units?.undrawn), moment(protestsEndAt), leftUntil(protestsEndAt))]
      : undrawn !== '0'
        ? [words.undrawn(tokens(undrawn, units?.undrawn))]
        : []),
    ...(due === '0' ? [] : [words.due(tokens(due, units?.due))]),
    ...(missing === '0' ? [] : [words.missing(tokens(missing, units?.missing))]),
    ...(lost === '0' ? [] : [words.lost(tokens(lost, units?.lost))]),
  ]
  const isLeft = undrawn !== '0' || due !== '0' || missing !== '0'
  const state = isLeft ? 'waiting' : lost !== '0' ? 'lost' : 'done'
  return { title: words.hub(short(hub)), state, says: says.length === 0 ? [words.settled] : says }
}

/** By this machine's clock; the chain's own decides when it comes to it. */
function leftUntil(at: number): string {
  const seconds = at - heardAt.value / 1_000
  return seconds > 0 ? words.inTime(duration(seconds)) : words.over
}
