import type { Address, Hex } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import type { Blocked, DrawOrder, Ledger, NoteName, Relayed } from '../ledger.js'
import { BatchLoader } from './batchLoader.js'
import { chainOrder } from './chainMirror.js'
import { creditOrder, grantOrder } from './clearing.js'
import { closingFrom, closingOrder, findClosing, openClosingFrom, readOpenClosings } from './closings.js'
import { dump, restore } from './dump.js'
import { type Engine, plain, type Row, type Statement, statement, type Value } from './engine.js'
import { blockedFrom, notesFrom, readBlocked, readNotes, writeNote } from './operatorState.js'
import { takeOrders } from './orders.js'
import { createOutbox } from './outbox.js'
import {
  findPublication,
  publicationFrom,
  publicationOrder,
  readNewestId,
  readNewestPublication,
} from './publications.js'
import { raiseOrder, recallOrder } from './rebuild.js'
import { qualityFrom, readQualities, receiptOrder } from './receipts.js'
import { relayJobOrder } from './relayJobs.js'
import { addressOf, amountOf, hexOf } from './rows.js'
import {
  accountFrom,
  type ChannelRow,
  channelsFrom,
  cursorFrom,
  findAccounts,
  owedTo,
  readAccounts,
  readChain,
  readChannels,
  readClosings,
  readLandmarks,
  readOpen,
  readSums,
  readTabs,
  standingFrom,
  sumsFrom,
  undrawnOf,
  urgentOf,
} from './tables.js'

const readSettings = plain(statement('SELECT name, value FROM setting'))
const findGuaranteed = statement('SELECT DISTINCT provider FROM tab WHERE provider {among:bytes}')
const writeSetting = statement('INSERT INTO setting (name, value) {rows:text,text}')
const findRelayed = statement('SELECT * FROM relayed WHERE digest {among:bytes}')
const writeRelayed = statement(`
  INSERT INTO relayed (digest, identity, tx_hash, sent_at) {rows:bytes,bytes,bytes,number}
  ON CONFLICT (digest) DO NOTHING`)
const findBlocked = statement('SELECT identity FROM blocked WHERE identity {among:bytes}')
const writeBlocked = statement(
  'INSERT INTO blocked (identity, since) {rows:bytes,number} ON CONFLICT (identity) DO NOTHING',
)
const deleteBlocked = statement('DELETE FROM blocked WHERE identity {among:bytes}')
const deleteNote = statement('DELETE FROM note WHERE name {among:text}')
// A protest for anybody takes from what the channel holds for everybody.
const selectUndrawn = `
  SELECT tab.channel_id, tab.provider, tab.held, tab.held_signature, tab.drawn, tab.expires_at,
    channel.consumer, channel.nonce, channel.balance, channel.exit_at,
    (SELECT min(other.protest_ends_at) FROM tab AS other
      WHERE other.channel_id = tab.channel_id AND other.protest_ends_at > 0) AS first_protest_ends_at,
    (SELECT count(*) FROM closing WHERE closing.channel_id = tab.channel_id) AS closing
  FROM tab JOIN channel ON channel.channel_id = tab.channel_id
  WHERE tab.undrawn = 1 AND channel.status = 'open'`
const readUndrawn = plain(statement(selectUndrawn))
const readUndrawnOf = statement(`${selectUndrawn} AND tab.channel_id {among:bytes}`)

/** A ledger on an engine: everything but how statements reach a disk. */
export function createLedger(engine: Engine, name: string): Ledger {
  const onSetback: (() => void)[] = []
  const { submit, idle } = takeOrders(engine, () => {
    for (const listener of onSetback) listener()
  })
  const first = async (ask: { statement: Statement; given: Value[][] }) => (await engine.read([ask]))[0] ?? []
  const all = (one: ReturnType<typeof plain>) => engine.read([one]).then(([rows = []]) => rows)
  const write = (one: Statement, values: readonly Value[]): Promise<void> =>
    submit({ apply: (unit) => unit.write(one, values) })

  const lines = new BatchLoader<Hex, ChannelRow | undefined>(async (ids) => {
    const given = ids.map((id) => [id])
    const [channels = [], tabs = [], closings = []] = await engine.read([
      { statement: readChannels, given },
      { statement: readTabs, given },
      { statement: readClosings, given },
    ])
    return channelsFrom(channels, tabs, closings)
  })
  // Asked for with every request, so that all who ask at once share one look.
  const guaranteed = new BatchLoader<Address, true>(async (providers) => {
    const rows = await first({ statement: findGuaranteed, given: providers.map((provider) => [provider]) })
    return new Map(rows.map((row) => [addressOf(row.provider), true]))
  })
  const present = new BatchLoader<'now', OperatorState>(async () => {
    const [chain = [], notes = [], blocked = []] = await engine.read([readChain, readNotes, readBlocked])
    return new Map([['now', { chain: chain[0], notes: notesFrom(notes), blocked: blocked.map(blockedFrom) }]])
  })
  const now = () => present.get('now') as Promise<OperatorState>

  return {
    bind: (hub, deployment) =>
      submit({
        alone: '*',
        asks: [readSettings],
        apply: (unit, [rows = []]) => {
          const settings = { hub, chainId: `${deployment.chainId}`, channels: deployment.channels }
          const bound = new Map(rows.map((row) => [row.name, row.value]))
          for (const [key, value] of Object.entries(settings)) {
            const known = bound.get(key)
            if (known === undefined) unit.write(writeSetting, [key, value])
            else if (known !== value)
              throw new UserError(
                `${name} belongs to ${key} ${known}, not ${value}. Use the --home, --database, --rpc and --deployment it was created with.`,
              )
          }
        },
      }),
    cursor: async () => cursorFrom((await now()).chain),
    landmarks: async () => (await all(readLandmarks)).flatMap((row) => cursorFrom(row) ?? []),
    applyChain: (update) => submit(chainOrder(update)),
    standing: async () => standingFrom((await now()).chain),
    guaranteed: async (provider) => (await guaranteed.get(provider)) === true,
    tally: async () => {
      const [sums = [], chain = []] = await engine.read([readSums, readChain])
      const { owed, undrawn, urgent } = sumsFrom(sums[0])
      return { owed, undrawn, urgent: urgent > 0, pool: standingFrom(chain[0]) }
    },
    channel: (channelId) => lines.get(channelId),
    openChannels: async () => {
      const [channels = [], tabs = [], closings = []] = await engine.read(readOpen)
      return [...channelsFrom(channels, tabs, closings).values()]
    },
    accounts: async (among) =>
      (among
        ? await first({ statement: findAccounts, given: among.map((provider) => [provider]) })
        : await all(readAccounts)
      )
        .map(accountFrom)
        .map(({ provider, total, credited, paid }) => ({
          provider,
          total,
          credited,
          paid,
        })),
    grant: (order) => submit(grantOrder(order)),
    credit: (order) => submit(creditOrder(order)),
    undrawn: async (channelId) => {
      const rows =
        channelId === undefined
          ? await all(readUndrawn)
          : await first({ statement: readUndrawnOf, given: [[channelId]] })
      return rows.map(drawFrom).filter(isDrawable)
    },
    recordReceipt: (order) => submit(receiptOrder(order)),
    qualities: async () => (await all(readQualities)).map((row) => qualityFrom(row)),
    recordPublication: (publication) => submit(publicationOrder(publication)),
    newestPublication: async () => {
      const [row] = await all(readNewestId)
      return row && { root: hexOf(row.root), blockNumber: Number(row.block_number) }
    },
    publication: async (of) => {
      const [row] = of
        ? await first({ statement: findPublication, given: [[of.root, of.blockNumber]] })
        : await all(readNewestPublication)
      return row && publicationFrom(row)
    },
    raiseTotal: (order) => submit(raiseOrder(order)),
    recallGuarantee: (order) => submit(recallOrder(order)),
    recordClosing: (order) => submit(closingOrder(order)),
    closing: async (channelId) => {
      const [row] = await first({ statement: findClosing, given: [[channelId]] })
      return row && closingFrom(row)
    },
    openClosings: async () => (await all(readOpenClosings)).map(openClosingFrom),
    relayed: async (digest) => {
      const [row] = await first({ statement: findRelayed, given: [[digest]] })
      return row && relayedFrom(row)
    },
    recordRelayed: (entry) =>
      write(writeRelayed, [entry.digest, entry.identity, entry.transaction, entry.at]),
    countRelayJob: (order) => submit(relayJobOrder(order)),
    outbox: createOutbox(engine, submit),
    blocked: async () => (await now()).blocked,
    block: ({ identity, since }) => write(writeBlocked, [identity, since]),
    unblock: (identity) =>
      submit({
        asks: [{ statement: findBlocked, given: [[identity]] }],
        alone: `block ${identity}`,
        apply: (unit, [found = []]) => {
          if (found.length > 0) unit.write(deleteBlocked, [identity])
          return found.length > 0
        },
      }),
    note: async (key) => (await now()).notes.get(key),
    writeNote: (key, text) => (text === undefined ? write(deleteNote, [key]) : write(writeNote, [key, text])),
    leads: () => engine.leads(),
    standDown: () => engine.standDown(),
    onSetback: (listener) => void onSetback.push(listener),
    dump: () => dump(engine),
    restore: (rows) => restore(engine, rows, name),
    problem: async () => (await engine.problem()) ?? (await wrongSums(engine)),
    close: async () => {
      await idle()
      await engine.close()
    },
  }
}

/** What is looked at with every request. */
interface OperatorState {
  readonly chain: Row | undefined
  readonly notes: ReadonlyMap<NoteName, string>
  readonly blocked: readonly Blocked[]
}

/** A final state draws what it pays by itself; until it stands on chain, an exit or a protest must be answered. */
const isDrawable = ({ isClosing, collateralUntil }: DrawOrder): boolean =>
  !isClosing || collateralUntil !== undefined

const drawFrom = (row: Row): DrawOrder => ({
  channelId: hexOf(row.channel_id),
  provider: addressOf(row.provider),
  amount: amountOf(row.held),
  signature: hexOf(row.held_signature),
  drawn: amountOf(row.drawn),
  balance: amountOf(row.balance),
  guaranteedUntil: Number(row.expires_at),
  collateralUntil: earliest(Number(row.exit_at), Number(row.first_protest_ends_at ?? 0)),
  isClosing: Number(row.closing) > 0,
  consumer: addressOf(row.consumer),
  nonce: Number(row.nonce),
})

/** The first of these times, of which zero is none. */
const earliest = (...times: readonly number[]): number | undefined => {
  const set = times.filter((time) => time > 0)
  return set.length > 0 ? Math.min(...set) : undefined
}

const relayedFrom = (row: Row): Relayed => ({
  digest: hexOf(row.digest),
  identity: row.identity as Address,
  transaction: hexOf(row.tx_hash),
  at: Number(row.sent_at),
})

/** Adds up everything again. */
async function wrongSums(engine: Engine): Promise<string | undefined> {
  const [sums = [], accounts = [], channels = [], tabs = [], closings = []] = await engine.read([
    readSums,
    readAccounts,
    ...readOpen,
  ])
  const kept = sumsFrom(sums[0])
  const open = [...channelsFrom(channels, tabs, closings).values()]
  const owed = accounts.map(accountFrom).reduce((sum, account) => sum + owedTo(account), 0n)
  const undrawn = open.reduce((sum, channel) => sum + undrawnOf(channel), 0n)
  const urgent = open.reduce((sum, channel) => sum + urgentOf(channel), 0)
  if (kept.owed === owed && kept.undrawn === undrawn && kept.urgent === urgent) return undefined
  return `its sums are ${kept.owed}, ${kept.undrawn}, ${kept.urgent}, but its rows add up to ${owed}, ${undrawn}, ${urgent}`
}
