import type { Address, Hex, UnixSeconds, Wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
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
  readonly paid: Wei
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
  paid: Buffer
  down: number
  up: number
  promises: number
  ended_at: number | null
  ending: string | null
}

/** History of sessions, and which of them a crash left open. */
export class SessionStore {
  constructor(private readonly db: Db) {}

  begin(record: SessionRecord): void {
    this.db
      .prepare(
        `INSERT INTO session (id, key, channel, consumer, hub, started_at, base, paid, down, up, promises)
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
  }

  /** Notes figures of a session that goes on. */
  note(id: string, figures: SessionFigures): void {
    this.db
      .prepare('UPDATE session SET down = ?, up = ?, promises = ?, paid = ? WHERE id = ?')
      .run(figures.downBytes, figures.upBytes, figures.promises, amountBlob(figures.paid), id)
  }

  end(id: string, figures: SessionFigures, ending: string, at: UnixSeconds): void {
    this.db.transaction(() => {
      this.note(id, figures)
      this.db.prepare('UPDATE session SET ended_at = ?, ending = ? WHERE id = ?').run(at, ending, id)
    })()
  }

  /** Sessions that were never ended: a crash's. */
  open(): SessionHistory[] {
    return this.db
      .prepare<[], Row>('SELECT * FROM session WHERE ended_at IS NULL ORDER BY started_at')
      .all()
      .map(readRow)
  }

  /** The latest sessions, newest first. */
  latest(count: number): SessionHistory[] {
    return this.db
      .prepare<[number], Row>('SELECT * FROM session ORDER BY started_at DESC LIMIT ?')
      .all(count)
      .map(readRow)
  }

  /** A key that no session in the store has. */
  nextKey(): number {
    const row = this.db.prepare<[], { last: number | null }>('SELECT max(key) AS last FROM session').get()
    return (row?.last ?? 0) + 1
  }
}

const readRow = (row: Row): SessionHistory => ({
  id: row.id,
  key: row.key,
  channelId: hexFrom(row.channel),
  consumer: addressFrom(row.consumer),
  hub: addressFrom(row.hub),
  startedAt: row.started_at as UnixSeconds,
  base: amountFrom(row.base),
  paid: amountFrom(row.paid),
  downBytes: BigInt(row.down),
  upBytes: BigInt(row.up),
  promises: row.promises,
  endedAt: (row.ended_at ?? undefined) as UnixSeconds | undefined,
  ending: row.ending ?? undefined,
})
