import type { Address, Hex } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import type { Blocked, Ledger, NoteName, Relayed } from '../ledger.js'
import { BatchLoader } from './batchLoader.js'
import { Cache } from './cache.js'
import { chainOrder } from './chainMirror.js'
import { creditOrder, grantOrder } from './clearing.js'
import { closingFrom, closingOrder, findClosing, openClosingFrom, readOpenClosings } from './closings.js'
import { dump, restore } from './dump.js'
import { type Engine, plain, type Row, type Statement, statement, type Value } from './engine.js'
import { countProviders, listChannels, listProviders } from './looks.js'
import { blockedFrom, notesFrom, readBlocked, readNotes, writeNote } from './operatorState.js'
import { takeOrders } from './orders.js'
import { createOutbox } from './outbox.js'
import {
  findPublication,
  publicationFrom,
  publicationOrder,
  readNewestIds,
  readNewestPublication,
} from './publications.js'
import { raiseOrder, recallClearedOrder, recallOrder } from './rebuild.js'
import { qualityFrom, readQualities, receiptOrder } from './receipts.js'
import { relayJobOrder } from './relayJobs.js'
import {
  answerReleaseOrder,
  findReleaseAnswer,
  readReleaseRequests,
  releaseFrom,
  releaseRequestFrom,
  requestReleaseOrder,
} from './releaseRequests.js'
import { addressOf, hexOf } from './rows.js'
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
import {
  drawFrom,
  isDrawable,
  readLargest,
  readProtests,
  readUndrawn,
  readUndrawnOf,
  readUrgent,
} from './undrawn.js'
import { createWriteProbe } from './writeProbe.js'

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
/** A ledger on an engine: everything but how statements reach a disk. */
export function createLedger(engine: Engine, name: string): Ledger {
  const onSetback: (() => void)[] = []
  const cache = new Cache()
  const { submit, silentMs, idle } = takeOrders(engine, cache, () => {
    for (const listener of onSetback) listener()
  })
  const first = async (ask: { statement: Statement; given: Value[][] }) => (await engine.read([ask]))[0] ?? []
  const all = (one: ReturnType<typeof plain>) => engine.read([one]).then(([rows = []]) => rows)
  const write = (one: Statement, values: readonly Value[]): Promise<void> =>
    submit({ apply: (unit) => unit.write(one, values) })

  const lines = new BatchLoader<Hex, ChannelRow | undefined>(async (ids) => {
    const given = ids.map((id) => [id])
    const [sums = [], chain = [], channels = [], tabs = [], closings = []] = await engine.read([
      readSums,
      readChain,
      { statement: readChannels, given },
      { statement: readTabs, given },
      { statement: readClosings, given },
    ])
    const found = channelsFrom(channels, tabs, closings)
    // Most are looked at because something is to be decided on them next.
    cache.offer(sumsFrom(sums[0]), cursorFrom(chain[0])?.at ?? 0, found)
    return found
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
    async channelsWithTab(provider, channelIds) {
      const channels = await Promise.all(channelIds.map((id) => cache.channel(id) ?? lines.get(id)))
      return channels.flatMap((channel) =>
        channel?.tabs.some((tab) => tab.provider === provider) ? [channel.channelId] : [],
      )
    },
    guaranteed: async (provider) => (await guaranteed.get(provider)) === true,
    tally: async () => {
      const [sums = [], chain = []] = await engine.read([readSums, readChain])
      const { urgent, writes: _writes, version: _version, ...kept } = sumsFrom(sums[0])
      return { ...kept, urgent: urgent > 0, pool: standingFrom(chain[0]) }
    },
    channel: (channelId) => lines.get(channelId),
    openChannels: async () => {
      const [channels = [], tabs = [], closings = []] = await engine.read(readOpen)
      return [...channelsFrom(channels, tabs, closings).values()]
    },
    listChannels: (sought) => listChannels(engine, sought),
    listProviders: (most) => listProviders(engine, most),
    countProviders: () => countProviders(engine),
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
    pressing: async (most) => {
      const [urgent = [], largest = []] = await engine.read([
        readUrgent,
        { statement: readLargest, given: most > 0 ? [[most]] : [] },
      ])
      const orders = new Map(
        [...urgent, ...largest].map((row) => [`${row.channel_id}${row.provider}`, drawFrom(row)]),
      )
      return [...orders.values()].filter(isDrawable)
    },
    protests: async () =>
      (await all(readProtests)).map((row) => ({
        channelId: hexOf(row.channel_id),
        provider: addressOf(row.provider),
      })),
    recordReceipt: (order) => submit(receiptOrder(order)),
    qualities: async () => (await all(readQualities)).map((row) => qualityFrom(row)),
    recordPublication: (publication) => submit(publicationOrder(publication)),
    newestPublications: async (most) =>
      (await first({ statement: readNewestIds, given: [[most]] })).map((row) => ({
        root: hexOf(row.root),
        blockNumber: Number(row.block_number),
      })),
    publication: async (of) => {
      const [row] = of
        ? await first({ statement: findPublication, given: [[of.root, of.blockNumber]] })
        : await all(readNewestPublication)
      return row && publicationFrom(row)
    },
    raiseTotal: (order) => submit(raiseOrder(order)),
    recallGuarantee: (order) => submit(recallOrder(order)),
    recallCleared: (order) => submit(recallClearedOrder(order)),
    recordClosing: (order) => submit(closingOrder(order)),
    isShared: engine.isShared,
    requestRelease: (request, at, since) => submit(requestReleaseOrder(request, at, since)),
    releaseRequests: async (since) =>
      (await first({ statement: readReleaseRequests, given: [[since]] })).map(releaseRequestFrom),
    answerRelease: (request, release) => submit(answerReleaseOrder(request, release)),
    releaseAnswer: async ({ channelId, provider }) => {
      const [row] = await first({ statement: findReleaseAnswer, given: [[channelId, provider]] })
      return releaseFrom({ channelId, provider }, row)
    },
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
    writable: createWriteProbe(silentMs, () => write(writeNote, ['probed', `${Date.now()}`])),
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
  const open = [...channelsFrom(channels, tabs, closings).values()]
  const kept = sumsFrom(sums[0])
  const total = (amounts: readonly bigint[]): bigint => amounts.reduce((sum, amount) => sum + amount, 0n)
  const counted = {
    owed: total(accounts.map(accountFrom).map(owedTo)),
    undrawn: total(open.map(undrawnOf)),
    urgent: open.filter((channel) => urgentOf(channel) > 0).length,
    channels: open.length,
    collateral: total(open.map(({ balance }) => balance)),
    promised: total(accounts.map((row) => accountFrom(row).total)),
  }
  const wrong = (Object.keys(counted) as (keyof typeof counted)[]).filter(
    (name) => kept[name] !== counted[name],
  )
  if (wrong.length === 0) return undefined
  return wrong
    .map((name) => `its sum "${name}" is ${kept[name]}, but its rows add up to ${counted[name]}`)
    .join('; ')
}
