import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import {
  country,
  day,
  duration,
  short,
  speed,
  timePrice,
  tokens,
  trafficPrice,
  type Units,
} from '../../shared/pages/amounts.js'
import { LongTable } from '../../shared/pages/longTable.js'
import { Card, Deed, Empty, Shown } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { Invitations } from './invitations.js'
import { isServed } from './now.js'
import { texts } from './texts.js'

interface Offer {
  readonly provider: string
  readonly price: string
  readonly pricePerHour: string
  readonly country: string
  readonly stake: string
  readonly faults: number
  readonly registeredAt: number
  readonly sound: boolean
  readonly latencyMs: number | null
  readonly quality: {
    readonly sessions: number
    readonly throughputKbps: number | null
    readonly score: number | null
  }
}
interface Offers {
  readonly providers: readonly Offer[]
  readonly units?: Units
}
type Column = keyof typeof texts.providers.columns

const offers = signal<Answer<Offers> | undefined>(undefined)
const order = signal<{ by: Column; down: boolean }>({ by: 'price', down: false })
const sought = signal('')
const favourites = signal<readonly string[]>(stored())

function stored(): readonly string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem('favourites') ?? '[]')
    return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : []
  } catch {
    return []
  }
}

async function look(): Promise<void> {
  offers.value = undefined
  offers.value = await read<Offers>('providers')
}

const values: Record<Column, (offer: Offer) => number | string> = {
  country: (offer) => country(offer.country),
  price: (offer) => Number(offer.price),
  hour: (offer) => Number(offer.pricePerHour),
  speed: (offer) => -(offer.quality.throughputKbps ?? 0),
  latency: (offer) => offer.latencyMs ?? Number.MAX_VALUE,
  stake: (offer) => -Number(offer.stake),
  since: (offer) => offer.registeredAt,
  faults: (offer) => offer.faults,
  score: (offer) => -(offer.quality.score ?? 0),
}

export function Providers() {
  useEffect(() => {
    if (offers.value === undefined) void look()
  }, [])
  return (
    <>
      <Card>
        <div class="stack">
          <div class="row form">
            <label>
              <span class="hidden">{texts.providers.search}</span>
              <input
                type="search"
                placeholder={texts.providers.search}
                value={sought.value}
                onInput={(event) => {
                  sought.value = event.currentTarget.value
                }}
              />
            </label>
            <button type="button" onClick={() => void look()} disabled={offers.value === undefined}>
              {texts.providers.refresh}
            </button>
          </div>
          <Shown of={offers.value} again={() => void look()}>
            {(found) => <Table of={found} />}
          </Shown>
        </div>
      </Card>
      <Invitations changed={() => void look()} />
    </>
  )
}

function Table({ of: { providers, units } }: { of: Offers }) {
  if (providers.length === 0) return <Empty title={texts.providers.none}>{texts.providers.noneHint}</Empty>
  const wanted = sought.value.trim().toLowerCase()
  const isWanted = (offer: Offer) =>
    `${country(offer.country)} ${offer.country} ${offer.provider}`.toLowerCase().includes(wanted)
  const rank = (offer: Offer) => (favourites.value.includes(offer.provider) ? 0 : 1)
  const value = values[order.value.by]
  const shown = providers.filter(isWanted).toSorted((a, b) => {
    const [one, other] = [value(a), value(b)]
    const way = one < other ? -1 : one > other ? 1 : 0
    return rank(a) - rank(b) || (order.value.down ? -way : way)
  })
  if (shown.length === 0) return <Empty title={texts.providers.noMatch} />
  return (
    <LongTable
      of={shown}
      keyOf={({ provider }) => provider}
      head={
        <>
          {(Object.keys(texts.providers.columns) as Column[]).map((name) => (
            <Head key={name} name={name} />
          ))}
          <th>
            <span class="hidden">{texts.connect}</span>
          </th>
        </>
      }
    >
      {(offer) => <Cells of={offer} units={units} />}
    </LongTable>
  )
}

function Head({ name }: { name: Column }) {
  const isSorted = order.value.by === name
  const sorted = !isSorted ? 'none' : order.value.down ? 'descending' : 'ascending'
  return (
    <th class={name === 'country' ? '' : 'number'} aria-sort={sorted}>
      <button
        type="button"
        onClick={() => {
          order.value = { by: name, down: isSorted && !order.value.down }
        }}
      >
        {texts.providers.columns[name]}
        {isSorted ? (order.value.down ? ' ↓' : ' ↑') : ''}
      </button>
    </th>
  )
}

function Cells({ of: offer, units }: { of: Offer; units: Units }) {
  const { columns } = texts.providers
  const { quality } = offer
  const isFavourite = favourites.value.includes(offer.provider)
  const favour = () => {
    favourites.value = isFavourite
      ? favourites.value.filter((each) => each !== offer.provider)
      : [...favourites.value, offer.provider]
    localStorage.setItem('favourites', JSON.stringify(favourites.value))
  }
  const perHour = timePrice(offer.pricePerHour, units?.pricePerHour)
  const price = trafficPrice(offer.price, units?.price)
  const name = `${country(offer.country)} ${short(offer.provider)}`
  return (
    <>
      <td data-label={columns.country}>
        <span>
          <button
            type="button"
            class="star"
            aria-pressed={isFavourite}
            aria-label={texts.providers.favour(name)}
            onClick={favour}
          >
            {isFavourite ? '★' : '☆'}
          </button>
          {country(offer.country)}{' '}
          <span class="soft mono" title={offer.provider}>
            {short(offer.provider)}
          </span>
        </span>
      </td>
      <td class="number" data-label={columns.price}>
        {price}
      </td>
      <td class="number" data-label={columns.hour}>
        {perHour === '' ? '–' : perHour}
      </td>
      <td class="number" data-label={columns.speed}>
        {quality.throughputKbps === null ? '–' : speed((quality.throughputKbps * 1_000) / 8)}
      </td>
      <td class="number" data-label={columns.latency}>
        {offer.latencyMs === null ? texts.providers.silent : `${offer.latencyMs.toFixed(0)} ms`}
      </td>
      <td class="number" data-label={columns.stake}>
        {tokens(offer.stake, units?.stake, 2)}
      </td>
      <td class="number" data-label={columns.since}>
        <span title={day(offer.registeredAt)}>{duration(Date.now() / 1_000 - offer.registeredAt)}</span>
      </td>
      <td class="number" data-label={columns.faults}>
        {offer.faults}
      </td>
      <td class="number" data-label={columns.score}>
        {quality.score === null ? '–' : `${quality.score.toFixed(1)} of 5`}
      </td>
      <td class="number" data-label="">
        {offer.sound ? (
          isServed() ? null : (
            <Deed
              name="connect"
              fields={{ provider: offer.provider }}
              label={texts.connect}
              busy={texts.connecting}
              kind="small"
              question={`${name}, ${price}${perHour === '' ? '' : ` + ${perHour}`}. ${texts.connectCosts('', '')}`}
              done={(answer) => {
                if (answer.error === undefined) location.hash = '#/now'
              }}
            />
          )
        ) : (
          <span class="soft small">{texts.providers.unsound}</span>
        )}
      </td>
    </>
  )
}
