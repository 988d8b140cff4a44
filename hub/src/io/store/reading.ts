import type { Address, Hex } from '@pontage/shared'
import type { Cache } from './cache.js'
import { type Ask, type Engine, inBothWords, type Row, statement } from './engine.js'
import type { Order } from './order.js'
import { addressOf, hexOf } from './rows.js'
import {
  type AccountRow,
  accountFrom,
  always,
  type ChannelRow,
  channelsFrom,
  cursorFrom,
  findAccounts,
  lockSums,
  readChain,
  readChannels,
  readClosings,
  readTabs,
  standingFrom,
  sumsFrom,
} from './tables.js'
import { UnitOfWork } from './unitOfWork.js'

/** What a group of orders is decided on. */
export interface Begun {
  readonly unit: UnitOfWork
  /** What each order's own asks found. */
  readonly read: readonly (readonly (readonly Row[])[])[]
  /** Whether the store has gone back: what this process saw on disk is not there any more. */
  readonly wentBack: boolean
  /** Of each provider asked for: channels on which cleared money rests on a guarantee that ends soon. */
  readonly uncovered: ReadonlyMap<Address, readonly Hex[]>
}

/** Tabs looked at beside those that moved: more come with the next order. */
const uncoveredInOrder = 200

const findGuarantees = statement('SELECT * FROM guarantee WHERE cause {among:bytes}')
const due = 'tab.undrawn > 0 AND tab.expires_at > 0 AND tab.cleared > tab.drawn'
const findDueFrom = statement(
  `SELECT provider, min(expires_at) AS due_from FROM tab WHERE provider {among:bytes} AND ${due} GROUP BY provider`,
)
// The latest come first: what can never be covered again must not stand before what can.
const findUncovered = inBothWords(
  ['bytes', 'number'],
  `SELECT provider, channel_id FROM tab WHERE provider = ? AND expires_at <= ? AND ${due}
    ORDER BY expires_at DESC LIMIT ${uncoveredInOrder}`,
  `SELECT asked.provider, due.channel_id
    FROM unnest($1::bytea[], $2::bigint[]) AS asked (provider, before)
    CROSS JOIN LATERAL (SELECT tab.channel_id FROM tab
      WHERE tab.provider = asked.provider AND tab.expires_at <= asked.before AND ${due}
      ORDER BY tab.expires_at DESC LIMIT ${uncoveredInOrder}) AS due`,
)

/**
 * Begins the transaction of a group and reads what its orders name, as far as the cache does not know it. Whatever
 * names a channel or a provider waits for the sums first: from then on nobody else changes anything of the kind.
 */
export async function beginGroup(
  engine: Engine,
  cache: Cache,
  orders: readonly Order<unknown>[],
): Promise<Begun> {
  const wanted = { channels: keysOf(orders, 'channels'), providers: keysOf(orders, 'providers') }
  const isLocked = wanted.channels.length + wanted.providers.length > 0
  const rows = new Rows(cache)
  const shared: Ask[] = [
    isLocked ? lockSums : { ...lockSums, given: [] },
    readChain,
    { statement: findGuarantees, given: keysOf(orders, 'causes').map((cause) => [cause]) },
    ...rows.asksFor(wanted),
  ]
  const asks = [...shared]
  const own = orders.map((order) => (order.asks ?? []).map((ask) => placeOf(asks, ask)))
  const found = await engine.begin(asks)
  const [sums = [], chain = [], guarantees = []] = found
  const cursor = cursorFrom(chain[0])
  rows.take(found.slice(3, shared.length))
  let uncovered: Begun['uncovered'] = new Map()
  let wentBack = false
  if (isLocked) {
    wentBack = cache.expect(sumsFrom(sums[0]), cursor?.at ?? 0).wentBack
    uncovered = await readRest(engine, cache, rows, wanted, beforeOf(orders, cursor?.at ?? 0))
  }
  return {
    unit: new UnitOfWork(
      rows.channels,
      rows.accounts,
      isLocked ? sumsFrom(sums[0]) : undefined,
      guarantees,
      standingFrom(chain[0]),
      cursor,
    ),
    wentBack,
    read: own.map((places) => places.map((place) => found[place] ?? [])),
    uncovered,
  }
}

/** Reads what was in the cache and did not count, and what may need a new guarantee. */
async function readRest(
  engine: Engine,
  cache: Cache,
  rows: Rows,
  wanted: Wanted,
  before: ReadonlyMap<Address, number>,
): Promise<Begun['uncovered']> {
  const soon = [...before].filter(([provider, at]) => (cache.dueFrom(provider) ?? 0) <= at)
  const [uncovered = [], dueFrom = [], ...others] = await readIfAny(engine, [
    { statement: findUncovered, given: soon },
    { statement: findDueFrom, given: soon.map(([provider]) => [provider]) },
    ...rows.asksFor(wanted),
  ])
  rows.take(others)
  for (const [provider] of soon) cache.keepDueFrom(provider, always)
  for (const row of dueFrom) cache.keepDueFrom(addressOf(row.provider), Number(row.due_from))
  const more = { channels: uncovered.map((row) => hexOf(row.channel_id)), providers: [] }
  rows.take(await readIfAny(engine, rows.asksFor(more)))
  rows.takeKnown(wanted)
  rows.takeKnown(more)
  const channelsOf = new Map<Address, Hex[]>(soon.map(([provider]) => [provider, []]))
  for (const row of uncovered) channelsOf.get(addressOf(row.provider))?.push(hexOf(row.channel_id))
  return channelsOf
}

const readIfAny = async (engine: Engine, asks: readonly Ask[]) =>
  asks.some(({ given }) => given.length > 0) ? engine.more(asks) : []

interface Wanted {
  readonly channels: readonly Hex[]
  readonly providers: readonly Address[]
}

/** The rows a group works on, from the cache and from the store. */
class Rows {
  readonly channels = new Map<Hex, ChannelRow>()
  readonly accounts = new Map<Address, AccountRow>()
  readonly #asked = new Set<string>()

  constructor(private readonly cache: Cache) {}

  /** Asks for what the cache does not know and nobody asked for yet. */
  asksFor({ channels, providers }: Wanted): Ask[] {
    const given = this.#unknown(channels, (id) => this.cache.channel(id))
    return [
      { statement: readChannels, given },
      { statement: readTabs, given },
      { statement: readClosings, given },
      {
        statement: findAccounts,
        given: this.#unknown(providers, (provider) => this.cache.account(provider)),
      },
    ]
  }

  /** Takes what the asks found. */
  take([channels = [], tabs = [], closings = [], accounts = []]: readonly (readonly Row[])[]): void {
    for (const [id, channel] of channelsFrom(channels, tabs, closings)) this.channels.set(id, channel)
    for (const row of accounts.map(accountFrom)) this.accounts.set(row.provider, row)
  }

  /** Takes the rest from the cache, once it is known that it counts. */
  takeKnown({ channels, providers }: Wanted): void {
    for (const id of channels) {
      const known = this.channels.has(id) ? undefined : this.cache.channel(id)
      if (known) this.channels.set(id, known)
    }
    for (const provider of providers) {
      const known = this.accounts.has(provider) ? undefined : this.cache.account(provider)
      if (known) this.accounts.set(provider, known)
    }
  }

  #unknown<Key extends string>(keys: readonly Key[], known: (key: Key) => unknown): [Key][] {
    return keys.flatMap((key): [Key][] => {
      if (this.#asked.has(key) || known(key)) return []
      this.#asked.add(key)
      return [[key]]
    })
  }
}

type Keys = { channels: Hex; providers: Address; causes: Hex }

const keysOf = <Kind extends keyof Keys>(
  orders: readonly Order<unknown>[],
  kind: Kind,
): readonly Keys[Kind][] => [
  ...new Set(orders.flatMap((order) => (order[kind] ?? []) as readonly Keys[Kind][])),
]

/** Of each provider with an order that wants to know: the time before which a guarantee ends soon. */
function beforeOf(orders: readonly Order<unknown>[], blockAt: number): Map<Address, number> {
  const before = new Map<Address, number>()
  for (const { uncovered } of orders)
    if (uncovered)
      before.set(uncovered.provider, Math.max(before.get(uncovered.provider) ?? 0, uncovered.before(blockAt)))
  return before
}

/** Where an ask's rows will be: the same ask is made once for all. */
function placeOf(asks: Ask[], ask: Ask): number {
  const known = asks.indexOf(ask)
  return known >= 0 ? known : asks.push(ask) - 1
}
