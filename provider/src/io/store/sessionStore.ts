import { type Address, type UnixSeconds, type Wei, wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type { CreditHistory } from '../../core/credit.js'
import type { EarningSession } from '../../core/earnings.js'
import {
  type Carried,
  type InterruptedSession,
  readInterrupted,
  readSession,
  type SessionFigures,
  type SessionHistory,
  type SessionProgress,
  type SessionRecord,
  type SessionRow,
  type TunnelRecord,
  type TunnelRow,
} from './sessionRecord.js'
import type { Db } from './storeSchema.js'
import { Unpaid } from './unpaid.js'

/** Id, hub, end or start, bytes, promised before and in total. */
type EarnedRow = [string, Buffer, number, number, Buffer, Buffer]

/** Seconds that a session in which nothing was promised is kept. What it left unpaid is kept for ever. */
const unpaidKeptSeconds = 7 * 86_400

/** History of sessions, and which of them a crash left open. */
export class SessionStore {
  #lastKey: number | undefined

  readonly #unpaid: Unpaid

  constructor(private readonly db: Db) {
    this.#unpaid = new Unpaid(db)
  }

  begin(record: SessionRecord, tunnel: TunnelRecord): void {
    this.db.transaction(() => {
      this.#beginRecord(record)
      this.db
        .prepare(
          'INSERT INTO tunnel VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 1, 0, ?, ?, ?, ?)',
        )
        .run(
          record.id,
          tunnel.bootId,
          tunnel.paymentPort,
          tunnel.addresses.address4,
          tunnel.addresses.address6,
          tunnel.wireguardKey,
          tunnel.presharedKey,
          amountBlob(tunnel.price.perMegabyte),
          amountBlob(tunnel.price.perHour),
          tunnel.credit.atFirst,
          tunnel.graceSeconds,
          tunnel.credit.atMost,
          tunnel.credit.perSecond,
          tunnel.lent === undefined ? 0 : 1,
          tunnel.lent?.limit ?? null,
        )
    })()
  }

  #beginRecord(record: SessionRecord): void {
    this.db
      .prepare(
        `INSERT INTO session (id, key, channel, consumer, hub, started_at, base, promised, down, up, promises)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`,
      )
      .run(
        record.id,
        record.key,
        hexBlob(record.channelId),
        hexBlob(record.consumer),
        hexBlob(record.hub),
        record.startedAt,
        amountBlob(record.base),
        amountBlob(record.base),
      )
    this.#unpaid.begin(record.channelId)
  }

  /** Notes figures of a session that goes on. */
  note(id: string, figures: SessionFigures, progress: SessionProgress): void {
    this.db.transaction(() => {
      this.#noteFigures(id, figures)
      this.db
        .prepare('UPDATE tunnel SET forwarded_ms = ?, gap = ? WHERE session = ?')
        .run(Math.floor(progress.forwardedMs), progress.gap, id)
    })()
  }

  #noteFigures(id: string, figures: SessionFigures): void {
    this.db
      .prepare('UPDATE session SET down = ?, up = ?, promises = ?, promised = ? WHERE id = ?')
      .run(figures.downBytes, figures.upBytes, figures.promises, amountBlob(figures.promised), id)
  }

  /**
   * Takes what the kernel has counted for a session into its totals, and gives it a new key in the same commit: the
   * objects of the old key are never counted again, wherever the next crash comes.
   *
   * @returns The new key.
   */
  carry(id: string, carried: Carried): number {
    return this.carryAll([{ id, carried }])[0] ?? 0
  }

  /** As {@link carry}, of several in one commit. */
  carryAll(sessions: readonly { readonly id: string; readonly carried: Carried }[]): number[] {
    return this.db.transaction(() =>
      sessions.map(({ id, carried }) => {
        const key = this.nextKey()
        this.db
          .prepare('UPDATE session SET key = ?, down = ?, up = ? WHERE id = ?')
          .run(key, carried.downBytes, carried.upBytes, id)
        this.db
          .prepare(
            'UPDATE tunnel SET carried_down = ?, carried_up = ?, carried_packets = ?, carried_up_packets = ?, raised = 0 WHERE session = ?',
          )
          .run(carried.downBytes, carried.upBytes, carried.downPackets, carried.upPackets, id)
        return key
      }),
    )()
  }

  /** Notes that the kernel counts for a session under its present key. */
  raised(id: string): void {
    this.db.prepare('UPDATE tunnel SET raised = 1 WHERE session = ?').run(id)
  }

  /** What raises an open session's tunnel again; undefined when it is not known. */
  interrupted(id: string): InterruptedSession | undefined {
    const row = this.db
      .prepare<[string], SessionRow & TunnelRow>(
        'SELECT * FROM session JOIN tunnel ON tunnel.session = session.id WHERE id = ? AND ended_at IS NULL',
      )
      .get(id)
    return row && readInterrupted(row)
  }

  /**
   * Ends a session, for good.
   *
   * @param owed - On its channel in total, by our count: what was not promised of it counts against its consumer's credit.
   */
  end(id: string, figures: SessionFigures & { readonly owed: Wei }, ending: string, at: UnixSeconds): void {
    this.db.transaction(() => {
      this.#noteFigures(id, figures)
      const row = this.db
        .prepare<[string], { channel: Buffer }>('SELECT channel FROM session WHERE id = ?')
        .get(id)
      if (row) this.#unpaid.end(hexFrom(row.channel), figures.owed, figures.promised)
      this.db.prepare('UPDATE session SET ended_at = ?, ending = ? WHERE id = ?').run(at, ending, id)
      this.db.prepare('DELETE FROM tunnel WHERE session = ?').run(id)
      this.db
        .prepare('DELETE FROM session WHERE promised = base AND ended_at IS NOT NULL AND ended_at < ?')
        .run(at - unpaidKeptSeconds)
    })()
  }

  /** How an identity has paid, on all of its channels. What a session that runs owes is not in it yet. */
  creditHistory(consumer: Address): CreditHistory {
    const channels = this.db
      .prepare<[Buffer], { id: Buffer; amount: Buffer | null }>(
        'SELECT c.id, p.amount FROM channel c LEFT JOIN promise p ON p.channel = c.id WHERE c.consumer = ?',
      )
      .all(hexBlob(consumer))
    let promised = 0n
    let unpaid = 0n
    for (const { id, amount } of channels) {
      promised += amount === null ? 0n : amountFrom(amount)
      unpaid += this.#unpaid.on(hexFrom(id))
    }
    return { promised: wei(promised), unpaid: wei(unpaid) }
  }

  /** Whether an identity has a session that has not ended. */
  runsFor(consumer: Address): boolean {
    const running = this.db.prepare<[Buffer]>('SELECT 1 FROM session WHERE ended_at IS NULL AND consumer = ?')
    return running.get(hexBlob(consumer)) !== undefined
  }

  /** Sessions that were never ended: a crash's. */
  open(): SessionHistory[] {
    return this.db
      .prepare<[], SessionRow>('SELECT * FROM session WHERE ended_at IS NULL ORDER BY started_at')
      .all()
      .map(readSession)
  }

  /** What every session brought, one after the other, the oldest first: those of years are not held at once. */
  *earned(): Generator<EarningSession> {
    const rows = this.db
      .prepare<[], EarnedRow>(
        'SELECT id, hub, coalesce(ended_at, started_at), down + up, base, promised FROM session ORDER BY started_at',
      )
      .raw()
      .iterate() as IterableIterator<EarnedRow>
    const hubs = new Map<string, Address>()
    for (const [id, hub, at, traffic, base, promised] of rows) {
      const name = hub.toString('latin1')
      const known = hubs.get(name) ?? addressFrom(hub)
      hubs.set(name, known)
      const gained = base.equals(promised) ? 0n : amountFrom(promised) - amountFrom(base)
      yield { id, hub: known, at, bytes: BigInt(traffic), promised: gained }
    }
  }

  /** The latest sessions, newest first. */
  latest(count: number): SessionHistory[] {
    return this.db
      .prepare<[number], SessionRow>('SELECT * FROM session ORDER BY started_at DESC LIMIT ?')
      .all(count)
      .map(readSession)
  }

  /** A key that no session in the store has, nor any that was given away before. */
  nextKey(): number {
    this.#lastKey ??=
      this.db.prepare<[], { last: number | null }>('SELECT max(key) AS last FROM session').get()?.last ?? 0
    return ++this.#lastKey
  }
}
