import {
  type Address,
  type Bytes,
  bytes,
  type Counted,
  type Hex,
  type Price,
  type UnixSeconds,
  unixSeconds,
  type Wei,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import {
  addressFrom,
  amountBlob,
  amountFrom,
  hexBlob,
  hexFrom,
  type WireguardKey,
} from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { Credit, CreditHistory } from '../../core/credit.js'
import type { Lent } from '../../core/session.js'
import type { Db } from './storeSchema.js'

/** What is kept of a session: who, how much and when; never where to. */
export interface SessionRecord {
  readonly id: string
  /** Number of its kernel objects. */
  readonly key: number
  readonly channelId: Hex
  readonly consumer: Address
  readonly hub: Address
  readonly startedAt: UnixSeconds
  readonly base: Wei
}

/** Its figures, as last known. */
export interface SessionFigures {
  readonly downBytes: bigint
  readonly upBytes: bigint
  readonly promises: number
  /** Promised in total, base included. */
  readonly promised: Wei
}

/** What it takes to raise the tunnel of a session again after a crash. */
export interface TunnelRecord {
  /** The machine's run in which its counts were taken: those of an earlier one are gone. */
  readonly bootId: string
  readonly paymentPort: number
  readonly addresses: TunnelAddresses
  readonly wireguardKey: WireguardKey
  readonly presharedKey: WireguardKey
  readonly price: Price
  readonly credit: Credit
  readonly graceSeconds: number
  readonly lent?: Lent | undefined
}

/** What a session has used, as it has to survive a crash besides its figures. */
export interface SessionProgress {
  readonly forwardedMs: number
  /** Difference of the counts that loss explains. */
  readonly gap: Bytes
}

/** What a session counted before its present kernel objects. */
export type Carried = Counted

/** A session that a crash left open, with all that raises it again. */
export interface InterruptedSession {
  readonly record: SessionRecord
  readonly tunnel: TunnelRecord
  readonly carried: Carried
  /** Whether the kernel was told to count under its present key. */
  readonly isRaised: boolean
  readonly progress: SessionProgress
  readonly promises: number
}

export interface SessionHistory extends SessionRecord, SessionFigures {
  readonly endedAt: UnixSeconds | undefined
  readonly ending: string | undefined
}

interface Row {
  id: string
  key: number
  channel: Buffer
  consumer: Buffer
  hub: Buffer
  started_at: number
  base: Buffer
  promised: Buffer
  down: number
  up: number
  promises: number
  ended_at: number | null
  ending: string | null
}

interface TunnelRow {
  boot: string
  payment_port: number
  address4: string
  address6: string
  wireguard_key: string
  preshared_key: string
  price_per_megabyte: Buffer
  price_per_hour: Buffer
  credit: number
  credit_at_most: number
  credit_per_second: number
  grace: number
  carried_down: number
  carried_up: number
  carried_packets: number
  carried_up_packets: number
  forwarded_ms: number
  gap: number
  raised: number
  lent: number
  lent_limit: number | null
}

/** Seconds that a session in which nothing was promised is kept. What it left unpaid is kept for ever. */
const unpaidKeptSeconds = 7 * 86_400

/** History of sessions, and which of them a crash left open. */
export class SessionStore {
  #lastKey: number | undefined

  constructor(private readonly db: Db) {}

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
    // What was paid after the last session is paid; what comes from now on is for this one.
    const unpaid = this.#unpaid(record.channelId)
    if (unpaid > 0n) this.#noteUnpaid(record.channelId, unpaid, undefined)
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
      .prepare<[string], Row & TunnelRow>(
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
      if (row && figures.owed > figures.promised) {
        const channelId = hexFrom(row.channel)
        const unpaid = this.#unpaid(channelId) + figures.owed - figures.promised
        this.#noteUnpaid(channelId, unpaid, figures.promised)
      } else if (row)
        this.db
          .prepare('UPDATE unpaid SET promised = ? WHERE channel = ? AND promised IS NULL')
          .run(amountBlob(figures.promised), row.channel)
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
      unpaid += this.#unpaid(hexFrom(id))
    }
    return { promised: wei(promised), unpaid: wei(unpaid) }
  }

  /** What earlier sessions on a channel left unpaid, less what was promised after the last of them. */
  #unpaid(channelId: Hex): bigint {
    const row = this.db
      .prepare<[Buffer], { amount: Buffer; promised: Buffer | null; now: Buffer | null }>(
        `SELECT u.amount, u.promised, p.amount AS now FROM unpaid u LEFT JOIN promise p ON p.channel = u.channel
         WHERE u.channel = ?`,
      )
      .get(hexBlob(channelId))
    if (row === undefined) return 0n
    const since = row.promised && row.now ? amountFrom(row.now) - amountFrom(row.promised) : 0n
    const left = amountFrom(row.amount) - (since > 0n ? since : 0n)
    return left > 0n ? left : 0n
  }

  /** @param promised - Up to where its last session is paid; undefined while one runs, whose payments are its own. */
  #noteUnpaid(channelId: Hex, amount: bigint, promised: bigint | undefined): void {
    this.db
      .prepare(
        `INSERT INTO unpaid (channel, amount, promised) VALUES (?, ?, ?)
         ON CONFLICT (channel) DO UPDATE SET amount = excluded.amount, promised = excluded.promised`,
      )
      .run(hexBlob(channelId), amountBlob(amount), promised === undefined ? null : amountBlob(promised))
  }

  /** Whether an identity has a session that has not ended. */
  runsFor(consumer: Address): boolean {
    const running = this.db.prepare<[Buffer]>('SELECT 1 FROM session WHERE ended_at IS NULL AND consumer = ?')
    return running.get(hexBlob(consumer)) !== undefined
  }

  /** Sessions that were never ended: a crash's. */
  open(): SessionHistory[] {
    return this.db
      .prepare<[], Row>('SELECT * FROM session WHERE ended_at IS NULL ORDER BY started_at')
      .all()
      .map(readRow)
  }

  /** All sessions, the oldest first. */
  all(): SessionHistory[] {
    return this.db.prepare<[], Row>('SELECT * FROM session ORDER BY started_at').all().map(readRow)
  }

  /** The latest sessions, newest first. */
  latest(count: number): SessionHistory[] {
    return this.db
      .prepare<[number], Row>('SELECT * FROM session ORDER BY started_at DESC LIMIT ?')
      .all(count)
      .map(readRow)
  }

  /** A key that no session in the store has, nor any that was given away before. */
  nextKey(): number {
    // Looked up once: this goes through all that there ever were.
    this.#lastKey ??=
      this.db.prepare<[], { last: number | null }>('SELECT max(key) AS last FROM session').get()?.last ?? 0
    return ++this.#lastKey
  }
}

const readInterrupted = (row: Row & TunnelRow): InterruptedSession => ({
  record: readRow(row),
  tunnel: {
    bootId: row.boot,
    paymentPort: row.payment_port,
    addresses: { address4: row.address4, address6: row.address6 },
    wireguardKey: row.wireguard_key,
    presharedKey: row.preshared_key,
    price: {
      perMegabyte: weiPerMegabyte(amountFrom(row.price_per_megabyte)),
      perHour: weiPerHour(amountFrom(row.price_per_hour)),
    },
    credit: {
      atFirst: bytes(BigInt(row.credit)),
      atMost: bytes(BigInt(row.credit_at_most)),
      perSecond: bytes(BigInt(row.credit_per_second)),
    },
    graceSeconds: row.grace,
    ...(row.lent === 0
      ? {}
      : { lent: { limit: row.lent_limit === null ? undefined : bytes(BigInt(row.lent_limit)) } }),
  },
  carried: {
    downBytes: bytes(BigInt(row.carried_down)),
    upBytes: bytes(BigInt(row.carried_up)),
    downPackets: BigInt(row.carried_packets),
    upPackets: BigInt(row.carried_up_packets),
  },
  isRaised: row.raised === 1,
  progress: { forwardedMs: row.forwarded_ms, gap: bytes(BigInt(row.gap)) },
  promises: row.promises,
})

const readRow = (row: Row): SessionHistory => ({
  id: row.id,
  key: row.key,
  channelId: hexFrom(row.channel),
  consumer: addressFrom(row.consumer),
  hub: addressFrom(row.hub),
  startedAt: unixSeconds(row.started_at),
  base: amountFrom(row.base),
  promised: amountFrom(row.promised),
  downBytes: BigInt(row.down),
  upBytes: BigInt(row.up),
  promises: row.promises,
  endedAt: row.ended_at === null ? undefined : unixSeconds(row.ended_at),
  ending: row.ending ?? undefined,
})
