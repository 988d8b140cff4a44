import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { short, speed, tokens, type Units } from '../../shared/pages/amounts.js'
import { Curve } from '../../shared/pages/curve.js'
import { Card, Deed, Empty, Shown, Tiles } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { newest } from '../../shared/pages/speeds.js'
import { type Earnings, earnedSince } from './earned.js'
import { type Live, now, points } from './state.js'
import { texts } from './texts.js'

interface Status {
  readonly hubs: readonly {
    readonly hub: string
    readonly promised: string
    readonly cleared: string
    readonly undrawn: string
    readonly redeemed: string
    readonly distrusted: string | null
  }[]
  readonly settlements: readonly { readonly gasUsed: string | number; readonly gasPrice: string }[]
  readonly units?: Units
}

const status = signal<Answer<Status> | undefined>(undefined)
const earnings = signal<Answer<Earnings> | undefined>(undefined)

async function look(): Promise<void> {
  ;[status.value, earnings.value] = await Promise.all([
    read<Status>('status'),
    read<Earnings>('earningsByDay'),
  ])
}

export function Now() {
  useEffect(() => void look(), [])
  return (
    <Shown of={now.value} alone>
      {(is: Live) => (
        <>
          <Head of={is} />
          <Card title={texts.earned}>
            <Shown of={earnings.value} again={() => void look()}>
              {(found) => <Earned of={found} />}
            </Shown>
          </Card>
          {is.running ? (
            <Card title={texts.traffic}>
              <Curve
                points={points.value}
                label={texts.curve(speed(newest(points.value.down)), speed(newest(points.value.up)))}
              />
            </Card>
          ) : null}
          <Card title={texts.hubs.title}>
            <Shown of={status.value} again={() => void look()}>
              {(found) => <Hubs of={found} />}
            </Shown>
          </Card>
        </>
      )}
    </Shown>
  )
}

function Head({ of }: { of: Live }) {
  const faults = of.faults ?? []
  const [kind, pill, title] = !of.running
    ? ['bad', texts.pillStopped, texts.stopped]
    : faults.length > 0
      ? ['bad', texts.pillFaulty, texts.faulty]
      : of.retiring
        ? ['warn', texts.pillRetiring, texts.retiring]
        : ['good', texts.pillRunning, texts.running]
  return (
    <section class="card stack">
      <div>
        <span class={`pill ${kind}`}>{pill}</span>
      </div>
      <h1>{title}</h1>
      {of.running ? null : <p class="soft">{texts.stoppedHint}</p>}
      {of.retiring ? <p class="soft">{texts.retiringHint}</p> : null}
      {faults.length > 0 ? (
        <p class="notice bad" role="alert">
          {faults.join(' ')}
        </p>
      ) : null}
      {of.running ? (
        <Tiles
          of={[
            [texts.tiles.sessions, of.sessions?.length ?? 0],
            [texts.tiles.speed, speed(newest(points.value.down) + newest(points.value.up))],
            [texts.tiles.limits, of.limits?.total ?? '–'],
            [texts.tiles.gas, tokens(of.gasCoins, of.units?.gasCoins, 4)],
            [texts.tiles.gasLasts, gasLasts(of)],
          ]}
        />
      ) : null}
    </section>
  )
}

/** At what its last transactions cost on average. */
function gasLasts({ gasCoins }: Live): string {
  const found = status.value
  if (!gasCoins || found === undefined || found.error !== undefined || found.settlements.length === 0)
    return '–'
  const costs = found.settlements.map(({ gasUsed, gasPrice }) => BigInt(gasUsed) * BigInt(gasPrice))
  const cost = costs.reduce((sum, each) => sum + each, 0n) / BigInt(costs.length)
  return cost === 0n ? '–' : texts.transactions(BigInt(gasCoins) / cost)
}

function Earned({ of }: { of: Earnings }) {
  const unit = of.units?.promised
  const since = (days: number) => tokens(earnedSince(of, days).toString(), unit)
  return (
    <Tiles
      of={[
        [texts.today, since(1)],
        [texts.week, since(7)],
        [texts.all, tokens(of.total.promised, unit)],
      ]}
    />
  )
}

function Hubs({ of: { hubs, units } }: { of: Status }) {
  if (hubs.length === 0) return <Empty title={texts.hubs.none} />
  const names = ['promised', 'cleared', 'undrawn', 'redeemed'] as const
  return (
    <div class="stack">
      <div class="scroll">
        <table class="cards">
          <thead>
            <tr>
              <th>{texts.hubs.hub}</th>
              {names.map((name) => (
                <th class="number" key={name}>
                  {texts.hubs[name]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {hubs.map((each) => (
              <tr key={each.hub}>
                <td data-label={texts.hubs.hub}>
                  <span>
                    <span class="mono" title={each.hub}>
                      {short(each.hub)}
                    </span>{' '}
                    {each.distrusted === null ? null : (
                      <span class="pill bad" title={each.distrusted}>
                        {texts.hubs.distrusted}
                      </span>
                    )}
                  </span>
                </td>
                {names.map((name) => (
                  <td class="number" key={name} data-label={texts.hubs[name]}>
                    {tokens(each[name], units?.[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div>
        <Deed
          name="redeem"
          label={texts.hubs.redeem}
          question={texts.hubs.redeemCosts}
          done={() => void look()}
        />
      </div>
    </div>
  )
}
