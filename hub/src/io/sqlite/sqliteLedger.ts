import { addressFrom, hexBlob, hexFrom, UserError } from '@pontage/shared/node'
import type { Ledger, Relayed } from '../ledger.js'
import { prepareChainMirror } from './chainMirror.js'
import { prepareClosings } from './closings.js'
import { prepareCredits } from './credits.js'
import { prepareGuarantees } from './guarantees.js'
import { prepareLines } from './lines.js'
import { prepareNotes } from './notes.js'
import { openDatabase } from './open.js'
import { prepareOutbox } from './outbox.js'
import { preparePublications } from './publications.js'
import { prepareRebuild } from './rebuild.js'
import { prepareReceipts } from './receipts.js'
import { migrate } from './schema.js'

/** Opens the ledger in one file, made and brought up to date as needed. */
export async function openSqliteLedger(path: string): Promise<Ledger> {
  const database = openDatabase(path)
  await migrate(database)
  const lines = prepareLines(database)
  const mirror = prepareChainMirror(database, lines)
  const guarantees = prepareGuarantees(database, lines)
  const credits = prepareCredits(database, lines, guarantees)
  const closings = prepareClosings(database, lines)
  const receipts = prepareReceipts(database, lines)
  const publications = preparePublications(database)
  const rebuild = prepareRebuild(database, lines)
  const readSetting = database.prepare('SELECT value FROM setting WHERE name = ?')
  const writeSetting = database.prepare('INSERT INTO setting (name, value) VALUES (?, ?)')
  const writePrefund = database.prepare(`
    INSERT INTO prefund (channel_id, consumer, nonce, consumer_signature, hub_signature)
    VALUES (?, ?, ?, ?, ?) ON CONFLICT (channel_id) DO NOTHING`)
  const readRelayed = database.prepare('SELECT * FROM relayed WHERE digest = ?')
  const writeRelayed = database.prepare(
    'INSERT INTO relayed (digest, identity, tx_hash, sent_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const countRelayed = database.prepare(
    'SELECT count(*) AS count FROM relayed WHERE identity = ? AND sent_at >= ?',
  )
  const countAllRelayed = database.prepare('SELECT count(*) AS count FROM relayed WHERE sent_at >= ?')

  /** Reads and writes under one write lock: nothing changes between the decision and its record. */
  const atomically = <Result>(work: () => Result): Promise<Result> =>
    Promise.resolve().then(() => database.transaction(work).immediate())

  return {
    bind: (hub, deployment) =>
      atomically(() => {
        const settings = { hub, chainId: `${deployment.chainId}`, channels: deployment.channels }
        for (const [name, value] of Object.entries(settings)) {
          const row = readSetting.get(name) as { value: string } | undefined
          if (!row) writeSetting.run(name, value)
          else if (row.value !== value)
            throw new UserError(
              `The ledger ${path} belongs to ${name} ${row.value}, not ${value}. Use the --home, --rpc and --deployment it was made with.`,
            )
        }
      }),
    cursor: async () => mirror.cursor(),
    applyChain: (update) => atomically(() => mirror.apply(update)),
    standing: async () => lines.standing(),
    channel: async (channelId) => lines.channel(channelId),
    openChannels: async () => lines.open(),
    accounts: async () => lines.accounts(),
    grant: (order) => atomically(() => guarantees.grant(order)),
    credit: (order) => atomically(() => credits.credit(order)),
    undrawn: async () => credits.undrawn(),
    recordReceipt: (order) => atomically(() => receipts.record(order)),
    qualities: async () => receipts.qualities(),
    recordPublication: (publication) => atomically(() => publications.record(publication)),
    publication: async (of) => publications.find(of),
    raiseTotal: (order) => atomically(() => rebuild.raiseTotal(order)),
    recallGuarantee: (order) => atomically(() => rebuild.recallGuarantee(order)),
    recordPrefund: (prefund) =>
      atomically(() => {
        writePrefund.run(
          hexBlob(prefund.channelId),
          hexBlob(prefund.consumer),
          prefund.nonce,
          hexBlob(prefund.consumerSignature),
          hexBlob(prefund.hubSignature),
        )
      }),
    recordClosing: (order) => atomically(() => closings.record(order)),
    closing: async (channelId) => closings.of(channelId),
    openClosings: async () => closings.open(),
    relayed: async (digest) => asRelayed(readRelayed.get(hexBlob(digest)) as RelayedRow | undefined),
    recordRelayed: (entry) =>
      atomically(() => {
        writeRelayed.run(hexBlob(entry.digest), hexBlob(entry.identity), hexBlob(entry.transaction), entry.at)
      }),
    relayedSince: async (since, identity) => {
      const row = identity ? countRelayed.get(hexBlob(identity), since) : countAllRelayed.get(since)
      return (row as { count: number }).count
    },
    outbox: prepareOutbox(database),
    ...prepareNotes(database),
    problem: async () => {
      const found = database.pragma('quick_check(1)', { simple: true }) as string
      return found === 'ok' ? undefined : found
    },
    close: async () => {
      database.close()
    },
  }
}

interface RelayedRow {
  digest: Buffer
  identity: Buffer
  tx_hash: Buffer
  sent_at: number
}

const asRelayed = (row: RelayedRow | undefined): Relayed | undefined =>
  row && {
    digest: hexFrom(row.digest),
    identity: addressFrom(row.identity),
    transaction: hexFrom(row.tx_hash),
    at: row.sent_at,
  }
