import type { Hex, Wei } from '@pontage/shared'
import { amountBlob, amountFrom, hexBlob } from '@pontage/shared/node'
import type { Db } from './storeSchema.js'

/** What sessions left unpaid on their channels, by our count: it counts against the credit of those that come after them. */
export class Unpaid {
  constructor(private readonly db: Db) {}

  /** What earlier sessions on a channel left unpaid, less what was promised after the last of them. */
  on(channelId: Hex): bigint {
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

  /** A session begins: what was paid after the last one is paid, what comes from now on is for this one. */
  begin(channelId: Hex): void {
    const unpaid = this.on(channelId)
    if (unpaid > 0n) this.#note(channelId, unpaid, undefined)
  }

  /** A session ends that owed so much on its channel, and promised so much, both in total. */
  end(channelId: Hex, owed: Wei, promised: Wei): void {
    if (owed > promised) this.#note(channelId, this.on(channelId) + owed - promised, promised)
    else
      this.db
        .prepare('UPDATE unpaid SET promised = ? WHERE channel = ? AND promised IS NULL')
        .run(amountBlob(promised), hexBlob(channelId))
  }

  /** @param promised - Up to where its last session is paid; undefined while one runs, whose payments are its own. */
  #note(channelId: Hex, amount: bigint, promised: bigint | undefined): void {
    this.db
      .prepare(
        `INSERT INTO unpaid (channel, amount, promised) VALUES (?, ?, ?)
         ON CONFLICT (channel) DO UPDATE SET amount = excluded.amount, promised = excluded.promised`,
      )
      .run(hexBlob(channelId), amountBlob(amount), promised === undefined ? null : amountBlob(promised))
  }
}
