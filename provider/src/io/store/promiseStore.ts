import type {
  Address,
  ChannelParties,
  Document,
  Hex,
  PromiseFrame,
  Signed,
  UnixSeconds,
  Wei,
} from '@pontage/shared'
import { unixSeconds, wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type { Db } from './storeSchema.js'

/** All that is kept of one channel. */
export interface StoredChannel {
  readonly channelId: Hex
  readonly parties: ChannelParties
  /** Latest promise; undefined when there is none yet. */
  readonly promise: StoredPromise | undefined
  readonly guarantee: StoredGuarantee | undefined
  /** Set once a release was signed: the channel is over for us. */
  readonly released: { readonly amount: Wei; readonly upTo: UnixSeconds } | undefined
}

export interface StoredPromise {
  readonly amount: Wei
  readonly signature: Hex
  /** How much of it a hub promise covers. */
  readonly cleared: Wei
  /** How much of it is known to be drawn on chain. */
  readonly drawn: Wei
  /** What the hub's stamp on the promise of `cleared` is shown with; undefined where it gave none. */
  readonly stamped: { readonly signature: Hex; readonly stamp: Hex; readonly at: UnixSeconds } | undefined
}

export interface StoredGuarantee {
  readonly ceiling: Wei
  readonly expiresAt: UnixSeconds
  readonly signature: Hex
  /** Chain time at which it came. */
  readonly receivedAt: UnixSeconds
}

export interface StoredHubPromise {
  readonly total: Wei
  readonly signature: Hex
}

interface Row {
  id: Buffer
  consumer: Buffer
  hub: Buffer
  nonce: number
  released_amount: Buffer | null
  released_up_to: number | null
  amount: Buffer | null
  promise_signature: Buffer | null
  cleared: Buffer | null
  drawn: Buffer | null
  cleared_signature: Buffer | null
  stamp: Buffer | null
  cleared_at: number | null
  ceiling: Buffer | null
  expires_at: number | null
  guarantee_signature: Buffer | null
  received_at: number | null
}

const selectChannel = `SELECT c.*, p.amount, p.signature AS promise_signature, p.cleared, p.drawn,
    p.cleared_signature, p.stamp, p.cleared_at,
    g.ceiling, g.expires_at, g.signature AS guarantee_signature, g.received_at
  FROM channel c LEFT JOIN promise p ON p.channel = c.id LEFT JOIN guarantee g ON g.channel = c.id`

/** Channels with their latest promises and guarantees, and what hubs promised. Totals never fall. */
export class PromiseStore {
  readonly #db: Db
  readonly #keep

  constructor(db: Db) {
    this.#db = db
    const insert = db.prepare<[Buffer, Buffer, Buffer, Buffer, number]>(
      `INSERT INTO promise (channel, amount, signature, cleared, drawn, updated_at)
       VALUES (?, ?, ?, ?, zeroblob(32), ?)
       ON CONFLICT (channel) DO UPDATE SET amount = excluded.amount, signature = excluded.signature,
         updated_at = excluded.updated_at WHERE excluded.amount > promise.amount`,
    )
    const none = amountBlob(0n)
    this.#keep = db.transaction((promises: readonly KeptPromise[]) => {
      for (const { channelId, amount, signature, at } of promises)
        insert.run(hexBlob(channelId), amountBlob(amount), hexBlob(signature), none, at)
    })
  }

  /** Stores promises, all in one commit; durable when it returns. A lower total changes nothing. */
  keepPromises(promises: readonly KeptPromise[]): void {
    this.#keep.immediate(promises)
  }

  /** Remembers a channel's parties. */
  keepChannel(channelId: Hex, { consumer, hub, nonce }: ChannelParties): void {
    this.#db
      .prepare('INSERT INTO channel (id, consumer, hub, nonce) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(hexBlob(channelId), hexBlob(consumer), hexBlob(hub), nonce)
  }

  channel(channelId: Hex): StoredChannel | undefined {
    const row = this.#db.prepare<[Buffer], Row>(`${selectChannel} WHERE c.id = ?`).get(hexBlob(channelId))
    return row && readRow(row)
  }

  channelsOf(hub: Address): StoredChannel[] {
    return this.#db.prepare<[Buffer], Row>(`${selectChannel} WHERE c.hub = ?`).all(hexBlob(hub)).map(readRow)
  }

  /** Hubs with which there is a channel. */
  hubs(): Address[] {
    return this.#db
      .prepare<[], { hub: Buffer }>('SELECT DISTINCT hub FROM channel ORDER BY hub')
      .all()
      .map(({ hub }) => addressFrom(hub))
  }

  /**
   * Keeps a guarantee that lasts longer than the one there, or as long and reaches further; never one that does not
   * cover what is promised already.
   */
  keepGuarantee(guarantee: Signed<'Guarantee'>, receivedAt: UnixSeconds): void {
    this.#db
      .prepare(
        `INSERT INTO guarantee (channel, ceiling, expires_at, signature, received_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (channel) DO UPDATE SET ceiling = excluded.ceiling, expires_at = excluded.expires_at,
           signature = excluded.signature, received_at = excluded.received_at
         WHERE (excluded.expires_at > guarantee.expires_at
             OR excluded.expires_at = guarantee.expires_at AND excluded.ceiling > guarantee.ceiling)
           AND excluded.ceiling >= coalesce(
             (SELECT amount FROM promise WHERE promise.channel = excluded.channel), zeroblob(32))`,
      )
      .run(
        hexBlob(guarantee.channelId),
        amountBlob(guarantee.ceiling),
        guarantee.expiresAt,
        hexBlob(guarantee.signature),
        receivedAt,
      )
  }

  /** Records what a clear brought, in one commit: the hub's new total and which promises it covers. */
  keepClear(hub: Address, promise: StoredHubPromise, cleared: readonly KeptClear[], at: UnixSeconds): void {
    this.#db
      .transaction(() => {
        this.#db
          .prepare(
            `INSERT INTO hub_promise (hub, total, signature, received_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (hub) DO UPDATE SET total = excluded.total, signature = excluded.signature,
               received_at = excluded.received_at WHERE excluded.total > hub_promise.total`,
          )
          .run(hexBlob(hub), amountBlob(promise.total), hexBlob(promise.signature), at)
        const raise = this.#db.prepare(
          `UPDATE promise SET cleared = @amount, cleared_signature = @signature, stamp = @stamp, cleared_at = @at
           WHERE channel = @channel AND (cleared < @amount OR (cleared = @amount AND stamp IS NULL))`,
        )
        for (const { channelId, amount, signature, stamp } of cleared)
          raise.run({
            ...{ channel: hexBlob(channelId), amount: amountBlob(amount), signature: hexBlob(signature) },
            ...{ stamp: stamp ? hexBlob(stamp) : null, at },
          })
      })
      .immediate()
  }

  /** Notes how much of each promise the chain has drawn. */
  noteDrawn(drawn: readonly { readonly channelId: Hex; readonly amount: Wei }[]): void {
    const raise = this.#db.prepare('UPDATE promise SET drawn = ? WHERE channel = ? AND drawn < ?')
    this.#db
      .transaction(() => {
        for (const { channelId, amount } of drawn)
          raise.run(amountBlob(amount), hexBlob(channelId), amountBlob(amount))
      })
      .immediate()
  }

  hubPromise(hub: Address): StoredHubPromise {
    const row = this.#db
      .prepare<[Buffer], { total: Buffer; signature: Buffer }>(
        'SELECT total, signature FROM hub_promise WHERE hub = ?',
      )
      .get(hexBlob(hub))
    return row === undefined
      ? { total: wei(0n), signature: '0x' }
      : { total: amountFrom(row.total), signature: hexFrom(row.signature) }
  }

  /** Marks a channel as given up, before the release leaves us. For ever. */
  keepRelease(release: Omit<Document<'Release'>, 'provider'>): void {
    this.#db
      .prepare(
        'UPDATE channel SET released_amount = ?, released_up_to = max(coalesce(released_up_to, 0), ?) WHERE id = ?',
      )
      .run(amountBlob(release.amount), release.upTo, hexBlob(release.channelId))
  }
}

/** A promise whose signature was checked. */
export interface KeptPromise {
  readonly channelId: Hex
  readonly amount: Wei
  readonly signature: Hex
  readonly at: UnixSeconds
}

/** A promise that the hub took, with the stamp that came back for it. */
export interface KeptClear extends PromiseFrame {
  readonly stamp: Hex | undefined
}

function readRow(row: Row): StoredChannel {
  return {
    channelId: hexFrom(row.id),
    parties: { consumer: addressFrom(row.consumer), hub: addressFrom(row.hub), nonce: row.nonce },
    promise:
      row.amount && row.promise_signature && row.cleared && row.drawn
        ? {
            amount: amountFrom(row.amount),
            signature: hexFrom(row.promise_signature),
            cleared: amountFrom(row.cleared),
            drawn: amountFrom(row.drawn),
            stamped:
              row.cleared_signature && row.stamp
                ? {
                    signature: hexFrom(row.cleared_signature),
                    stamp: hexFrom(row.stamp),
                    at: unixSeconds(row.cleared_at ?? 0),
                  }
                : undefined,
          }
        : undefined,
    guarantee:
      row.ceiling && row.guarantee_signature
        ? {
            ceiling: amountFrom(row.ceiling),
            expiresAt: unixSeconds(row.expires_at ?? 0),
            signature: hexFrom(row.guarantee_signature),
            receivedAt: unixSeconds(row.received_at ?? 0),
          }
        : undefined,
    released: row.released_amount
      ? { amount: amountFrom(row.released_amount), upTo: unixSeconds(row.released_up_to ?? 0) }
      : undefined,
  }
}
