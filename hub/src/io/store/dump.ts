import { UserError } from '@pontage/shared/node'
import {
  type Ask,
  type Engine,
  type Kind,
  originName,
  plain,
  type Row,
  statement,
  type Value,
} from './engine.js'

/** Every table with its columns, in the order they are written. What can be told from the rest is not among them. */
export const contents: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  setting: { name: 'text', value: 'text' },
  chain: {
    id: 'number',
    block_number: 'number',
    block_hash: 'text',
    block_at: 'number',
    pool: 'bytes',
    pending_withdrawal: 'bytes',
    fee_bps: 'number',
  },
  channel: {
    channel_id: 'bytes',
    consumer: 'bytes',
    nonce: 'number',
    status: 'text',
    balance: 'bytes',
    exit_at: 'number',
  },
  tab: {
    channel_id: 'bytes',
    provider: 'bytes',
    cleared: 'bytes',
    held: 'bytes',
    held_signature: 'bytes',
    ceiling: 'bytes',
    expires_at: 'number',
    drawn: 'bytes',
    protested: 'bytes',
    protest_ends_at: 'number',
    undrawn: 'number',
  },
  guarantee: {
    cause: 'bytes',
    channel_id: 'bytes',
    provider: 'bytes',
    ceiling: 'bytes',
    expires_at: 'number',
    signature: 'bytes',
  },
  account: {
    provider: 'bytes',
    total: 'bytes',
    unexplained: 'bytes',
    signed_total: 'bytes',
    signature: 'bytes',
    credited: 'bytes',
    paid: 'bytes',
  },
  closing: {
    channel_id: 'bytes',
    turn_num: 'number',
    totals: 'text',
    releases: 'text',
    consumer_signature: 'bytes',
    hub_signature: 'bytes',
    settled: 'number',
  },
  relayed: { digest: 'bytes', identity: 'bytes', tx_hash: 'bytes', sent_at: 'number' },
  relay_job: { digest: 'bytes', identity: 'bytes', origin: 'bytes', asked_at: 'number' },
  blocked: { identity: 'bytes', since: 'number' },
  note: { name: 'text', text: 'text' },
  receipt: {
    channel_id: 'bytes',
    provider: 'bytes',
    amount: 'bytes',
    weight: 'bytes',
    bytes: 'number',
    throughput_kbps: 'number',
    score: 'number',
    ended_at: 'number',
    signature: 'bytes',
  },
  quality: {
    provider: 'bytes',
    sessions: 'number',
    paid: 'bytes',
    throughput_sum: 'bytes',
    rated_paid: 'bytes',
    score_sum: 'bytes',
  },
  publication: {
    root: 'bytes',
    block_number: 'number',
    hub: 'bytes',
    sum: 'bytes',
    pool: 'bytes',
    signature: 'bytes',
    published_at: 'number',
    leaves: 'text',
  },
  outbox: { intent: 'bytes', state: 'text', revision: 'number', entry: 'text' },
  sums: {
    id: 'number',
    owed: 'bytes',
    undrawn: 'bytes',
    urgent: 'number',
    channels: 'number',
    collateral: 'bytes',
    promised: 'bytes',
  },
}

/** One row of one table. */
export interface DumpedRow {
  readonly table: string
  readonly row: Row
}

/** Rows written by one statement. */
const rowsAtOnce = 1_000
const emptySums = plain(statement('DELETE FROM sums'))
const markIdle = plain(statement('UPDATE tab SET idle = 1 WHERE held_signature IS NULL'))

/** What of a table is copied, and in which order, where it matters. */
const restOf: Readonly<Record<string, string>> = {
  outbox: ' ORDER BY number',
  setting: ` WHERE name <> '${originName}'`,
}

/** Everything in the ledger, as of one moment. */
export async function dump(engine: Engine): Promise<DumpedRow[]> {
  const names = Object.keys(contents)
  // What was asked for first is sent first.
  const asks = names.map((name) => {
    const columns = Object.keys(contents[name] ?? {}).join(', ')
    return plain(statement(`SELECT ${columns} FROM ${name}${restOf[name] ?? ''}`))
  })
  const tables = await engine.read(asks)
  return names.flatMap((table, index) => (tables[index] ?? []).map((row) => ({ table, row })))
}

/**
 * Fills a ledger that nothing was ever written into.
 *
 * @throws UserError when something is in it.
 */
export async function restore(engine: Engine, rows: readonly DumpedRow[], name: string): Promise<void> {
  const filled = Object.keys(contents).filter((table) => table !== 'sums')
  const found = await engine.begin(filled.map((table) => plain(statement(`SELECT 1 FROM ${table} LIMIT 1`))))
  const index = found.findIndex((some) => some.length > 0)
  if (index >= 0) {
    await engine.rollback()
    throw new UserError(
      `${name} is not empty (${filled[index]}). Import into a ledger that no hub has ever run on.`,
    )
  }
  try {
    const inserts = Object.keys(contents).flatMap((table) => insertsOf(table, rows))
    await engine.commit([emptySums, ...inserts, markIdle])
  } catch (error) {
    await engine.rollback()
    throw error
  }
}

function insertsOf(table: string, rows: readonly DumpedRow[]): Ask[] {
  const columns = contents[table] ?? {}
  const names = Object.keys(columns)
  const one = statement(
    `INSERT INTO ${table} (${names.join(', ')}) {rows:${Object.values(columns).join(',')}}`,
  )
  const given = rows
    .filter((each) => each.table === table)
    .map(({ row }): Value[] => names.map((column) => row[column] ?? null))
  const asks: Ask[] = []
  while (given.length > 0) asks.push({ statement: one, given: given.splice(0, rowsAtOnce) })
  return asks
}
