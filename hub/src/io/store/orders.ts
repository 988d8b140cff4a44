import type { Address, Hex } from '@pontage/shared'
import { Books } from './books.js'
import { type Ask, Contended, type Engine, inBothWords, type Row, statement } from './engine.js'
import { hexOf } from './rows.js'
import {
  accountFrom,
  channelsFrom,
  cursorFrom,
  lockAccounts,
  lockChannels,
  lockSums,
  readChain,
  readClosings,
  readTabs,
  standingFrom,
  sumsFrom,
} from './tables.js'

/** Something to be decided and written in one transaction, on the rows it names. */
export interface Order<Result> {
  readonly channels?: readonly Hex[]
  readonly providers?: readonly Address[]
  /** Causes of guarantees that may have been given already. */
  readonly causes?: readonly Hex[]
  /** Whether it changes what the hub owes or holds in all. */
  readonly sums?: boolean
  /** Also the channels on which this provider holds cleared money under a guarantee that ends before a time. */
  readonly uncovered?: { readonly provider: Address; readonly before: number }
  /** Reads of its own, made under the same locks. */
  readonly asks?: readonly Ask[]
  /** Nothing else of the same name may be in its group; `'*'`: nothing at all. */
  readonly alone?: string
  readonly apply: (books: Books, read: readonly (readonly Row[])[], uncovered: readonly Hex[]) => Result
}

/** Rows in one group: what is more waits for the next. */
const rowsInGroup = 4_000
const maxAttempts = 20
/** Tabs looked at beside those that moved: more come with the next order. */
const uncoveredInOrder = 200

const findGuarantees = statement('SELECT * FROM guarantee WHERE cause {among:bytes}')

const due = `tab.undrawn = 1 AND tab.expires_at > 0 AND tab.cleared > tab.drawn`
const columns = 'channel.channel_id, consumer, nonce, status, balance, exit_at'
// The latest come first: what can never be covered again must not stand before what can.
const findUncovered = inBothWords(
  ['bytes', 'number'],
  `SELECT tab.provider AS asked, ${columns} FROM tab JOIN channel ON channel.channel_id = tab.channel_id
    WHERE tab.provider = ? AND tab.expires_at <= ? AND ${due} AND channel.status = 'open'
    ORDER BY tab.expires_at DESC LIMIT ${uncoveredInOrder}`,
  `SELECT asked.provider AS asked, ${columns}
    FROM unnest($1::bytea[], $2::bigint[]) AS asked (provider, before)
    CROSS JOIN LATERAL (SELECT tab.channel_id FROM tab
      WHERE tab.provider = asked.provider AND tab.expires_at <= asked.before AND ${due}
      ORDER BY tab.expires_at DESC LIMIT ${uncoveredInOrder}) AS due
    JOIN channel ON channel.channel_id = due.channel_id
    WHERE channel.status = 'open'
    ORDER BY channel.channel_id FOR UPDATE OF channel SKIP LOCKED`,
)

interface Waiting {
  readonly order: Order<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Takes orders into one transaction as long as the one before is being written: the more arrive, the more share the
 * way to the disk. Each order of a group is decided on the rows as the one before left them.
 */
export function takeOrders(engine: Engine): {
  submit<Result>(order: Order<Result>): Promise<Result>
  idle(): Promise<void>
} {
  const queue: Waiting[] = []
  let running: Promise<void> | undefined

  async function work(): Promise<void> {
    while (queue.length > 0) {
      const group = nextGroup(queue)
      try {
        await settle(engine, group)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    running = undefined
  }

  return {
    submit: <Result>(order: Order<Result>) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ order, resolve: resolve as (result: unknown) => void, reject })
        running ??= Promise.resolve().then(work)
      }),
    idle: async () => running,
  }
}

/** Takes from the queue what goes together. Whose name is taken waits for the next group, and holds up nobody else. */
function nextGroup(queue: Waiting[]): Waiting[] {
  const names = new Set<string>()
  const group: Waiting[] = []
  const later: Waiting[] = []
  let rows = 0
  let looked = 0
  for (const waiting of queue) {
    const { alone, channels } = waiting.order
    const size = 1 + (channels?.length ?? 0)
    if (group.length > 0 && (alone === '*' || names.has('*') || rows + size > rowsInGroup)) break
    looked++
    if (alone !== undefined && names.has(alone)) {
      later.push(waiting)
      continue
    }
    if (alone !== undefined) names.add(alone)
    rows += size
    group.push(waiting)
  }
  queue.splice(0, looked, ...later)
  return group
}

async function settle(engine: Engine, group: readonly Waiting[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answers = await decideAndWrite(engine, group)
      for (const answer of answers) answer()
      return
    } catch (error) {
      if (!(error instanceof Contended) || attempt === maxAttempts) throw error
    }
  }
}

/** @returns What is to be answered, now that it is on disk. */
async function decideAndWrite(engine: Engine, group: readonly Waiting[]): Promise<(() => void)[]> {
  const orders = group.map(({ order }) => order)
  const { asks, own } = asksOf(orders)
  const rows = await engine.begin(asks)
  try {
    const [
      channels = [],
      accounts = [],
      sums = [],
      chain = [],
      tabs = [],
      closings = [],
      given = [],
      uncovered = [],
    ] = rows
    const books = new Books(
      channelsFrom(channels, tabs, closings),
      accounts.map(accountFrom),
      sumsFrom(sums[0]),
      given,
      standingFrom(chain[0]),
      cursorFrom(chain[0]),
    )
    await addUncovered(engine, books, uncovered)
    const answers = group.map(({ order, resolve, reject }, index) => {
      try {
        const dueTo = order.uncovered?.provider
        const due = uncovered.filter(({ asked }) => asked === dueTo).map((row) => hexOf(row.channel_id))
        const read = own[index]?.map((place) => rows[place] ?? []) ?? []
        const result = books.attempt(() => order.apply(books, read, due))
        return () => resolve(result)
      } catch (error) {
        if (error instanceof Contended) throw error
        return () => reject(error)
      }
    })
    const changes = books.changes()
    if (changes.length === 0) await engine.rollback()
    else await engine.commit(changes)
    return answers
  } catch (error) {
    await engine.rollback().catch(() => undefined)
    throw error
  }
}

/** Everything a group reads. Locks come first and in the order of the keys, so that two groups never wait crosswise. */
function asksOf(orders: readonly Order<unknown>[]): { asks: Ask[]; own: number[][] } {
  const keys = <Key extends string>(of: (order: Order<unknown>) => readonly Key[] | undefined) =>
    [...new Set(orders.flatMap((order) => of(order) ?? []))].sort().map((key) => [key])
  const channels = keys(({ channels }) => channels)
  const uncovered = orders.flatMap(({ uncovered }) =>
    uncovered ? [[uncovered.provider, uncovered.before]] : [],
  )
  const asks: Ask[] = [
    { statement: lockChannels, given: channels },
    { statement: lockAccounts, given: keys(({ providers }) => providers) },
    { statement: lockSums, given: orders.some(({ sums }) => sums) ? [[]] : [] },
    readChain,
    { statement: readTabs, given: channels },
    { statement: readClosings, given: channels },
    { statement: findGuarantees, given: keys(({ causes }) => causes) },
    { statement: findUncovered, given: uncovered },
  ]
  const own = orders.map(({ asks: more = [] }) => more.map((ask) => asks.push(ask) - 1))
  return { asks, own }
}

async function addUncovered(engine: Engine, books: Books, rows: readonly Row[]): Promise<void> {
  const fresh = rows.filter((row) => !books.channel(hexOf(row.channel_id)))
  if (fresh.length === 0) return
  const ids = [...new Set(fresh.map((row) => row.channel_id))].map((id) => [id ?? null])
  const [tabs = [], closings = []] = await engine.more([
    { statement: readTabs, given: ids },
    { statement: readClosings, given: ids },
  ])
  books.add(channelsFrom(fresh, tabs, closings))
}
