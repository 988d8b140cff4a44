import type { Address } from '@pontage/shared'
import type { ChannelLine, Tab } from '../../core/channelLine.js'
import type { Account } from '../../core/solvency.js'
import type { ChannelsSought, Listed } from '../ledger.js'
import { type Engine, plain, type Row, statement } from './engine.js'
import { addressOf, hexOf } from './rows.js'
import {
  accountFrom,
  channelsFrom,
  newAccount,
  readAccounts,
  readChannels,
  readClosings,
  readLiveTabs,
  readSums,
  readTabs,
  sumsFrom,
  tabFrom,
} from './tables.js'

// What an operator looks at. Only what is shown is read: a ledger may hold a hundred thousand channels.

const findUrgent = plain(
  statement(`SELECT channel_id FROM channel WHERE status = 'open' AND exit_at > 0
    UNION SELECT channel_id FROM tab WHERE protest_ends_at > 0`),
)
const findLargest = statement(
  "{with:number} SELECT channel_id FROM channel WHERE status = 'open' ORDER BY balance DESC LIMIT ?1",
)
const findOf = statement(`{with:bytes,bytes,bytes,bytes,bytes,bytes}
  SELECT channel_id FROM channel WHERE status = 'open' AND channel_id BETWEEN ?1 AND ?2
  UNION SELECT channel_id FROM channel WHERE status = 'open' AND consumer BETWEEN ?3 AND ?4
  UNION SELECT channel_id FROM tab WHERE provider BETWEEN ?5 AND ?6`)
const weigh = statement(`
  SELECT channel_id, balance, exit_at, (SELECT min(tab.protest_ends_at) FROM tab
    WHERE tab.channel_id = channel.channel_id AND tab.protest_ends_at > 0) AS protest_ends_at
  FROM channel WHERE channel_id {among:bytes} AND status = 'open'`)
const findUnpromised = plain(
  statement(`SELECT DISTINCT provider FROM tab
    WHERE NOT EXISTS (SELECT 1 FROM account WHERE account.provider = tab.provider)`),
)
const countAccounts = plain(statement('SELECT count(*) AS accounts FROM account'))

/** Open channels, as {@link ChannelsSought} tells which. */
export async function listChannels(engine: Engine, sought: ChannelsSought): Promise<Listed<ChannelLine>> {
  const { ids, all } = await idsOf(engine, sought)
  const [weighed = []] = await engine.read([{ statement: weigh, given: ids.map((id) => [id]) }])
  const chosen = weighed
    .toSorted(byWeight)
    .slice(0, sought.most)
    .map((row) => hexOf(row.channel_id))
  const given = chosen.map((id) => [id])
  const [channels = [], tabs = [], closings = []] = await engine.read([
    { statement: readChannels, given },
    { statement: readTabs, given },
    { statement: readClosings, given },
  ])
  const found = channelsFrom(channels, tabs, closings)
  return { count: all ?? weighed.length, shown: chosen.flatMap((id) => found.get(id) ?? []) }
}

/** @returns `all`: how many there are, where not all of them were looked for. */
async function idsOf(engine: Engine, { urgent, of, most }: ChannelsSought) {
  const [urgentRows = [], largest = [], named = [], sums = []] = await engine.read([
    findUrgent,
    { statement: findLargest, given: urgent || of !== undefined ? [] : [[most]] },
    { statement: findOf, given: of === undefined ? [] : rangesOf(of) },
    readSums,
  ])
  const idsIn = (rows: readonly Row[]) => rows.map((row) => hexOf(row.channel_id))
  const pressing = idsIn(urgentRows)
  if (of === undefined && !urgent)
    return { ids: [...new Set([...pressing, ...idsIn(largest)])], all: sumsFrom(sums[0]).channels }
  const isPressing = new Set(pressing)
  return { ids: of === undefined ? pressing : idsIn(named).filter((id) => !urgent || isPressing.has(id)) }
}

/** Ids that begin like this, as the first and the last that do; none where nothing could. */
function rangesOf(beginning: string): string[][] {
  const digits = /^0x([0-9a-f]{0,64})$/.exec(beginning.toLowerCase())?.[1]
  if (digits === undefined) return []
  const range = (length: number) =>
    digits.length > length
      ? // Too long for any of these: from the last to the first.
        [`0x${'f'.repeat(length)}`, `0x${'0'.repeat(length)}`]
      : [`0x${digits.padEnd(length, '0')}`, `0x${digits.padEnd(length, 'f')}`]
  return [[...range(64), ...range(40), ...range(40)]]
}

const byWeight = (one: Row, other: Row): number =>
  dueAt(one) - dueAt(other) || (String(one.balance) < String(other.balance) ? 1 : -1)

/** When an exit or the first protest can be carried out; never, where there is none. */
const dueAt = ({ exit_at, protest_ends_at }: Row): number =>
  Math.min(...[exit_at, protest_ends_at].map((at) => (Number(at) > 0 ? Number(at) : Number.MAX_SAFE_INTEGER)))

/** Providers that were ever promised or guaranteed anything, those first that may redeem most. */
export async function listProviders(
  engine: Engine,
  most: number,
): Promise<Listed<Account & { readonly live: readonly Tab[] }>> {
  const [accounts = [], unpromised = []] = await engine.read([readAccounts, findUnpromised])
  const all: Account[] = [
    ...accounts.map(accountFrom),
    ...unpromised.map((row) => newAccount(addressOf(row.provider))),
  ]
  const chosen = all.toSorted(byDue).slice(0, most)
  const [tabs = []] = await engine.read([
    { statement: readLiveTabs, given: chosen.map(({ provider }) => [provider]) },
  ])
  const live = new Map<Address, Tab[]>(chosen.map(({ provider }) => [provider, []]))
  for (const row of tabs) live.get(addressOf(row.provider))?.push(tabFrom(row))
  return {
    count: all.length,
    shown: chosen.map(({ provider, total, credited, paid }) => ({
      ...{ provider, total, credited, paid },
      live: live.get(provider) ?? [],
    })),
  }
}

const byDue = (one: Account, other: Account): number => {
  const difference = dueTo(other) - dueTo(one)
  return difference === 0n ? (one.provider < other.provider ? -1 : 1) : difference > 0n ? 1 : -1
}

/** What a provider may redeem now. */
const dueTo = ({ total, credited, paid }: Account): bigint => (total > credited ? total : credited) - paid

/** How many were ever promised anything. */
export async function countProviders(engine: Engine): Promise<number> {
  const [[row] = []] = await engine.read([countAccounts])
  return Number(row?.accounts ?? 0)
}
