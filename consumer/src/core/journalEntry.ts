import {
  type Address,
  address,
  type Bytes,
  bytes,
  bytes32,
  type Hex,
  type Signed,
  type UnixSeconds,
  unixSeconds,
  type Wei,
  wei,
} from '@pontage/shared'

/** A provider's total in a final state. */
export interface ProviderTotal {
  readonly provider: Address
  readonly amount: Wei
}

/** One thing that was signed or learned, in the order in which it happened. */
export type JournalEntry =
  /**
   * A running total: recorded before its signature leaves. What it adds was spent in the month of `at`; one that
   * was only learned names no time, and is nobody's spending.
   */
  | {
      readonly kind: 'total'
      readonly channelId: Hex
      readonly provider: Address
      readonly amount: Wei
      readonly at?: UnixSeconds
    }
  /** Everything spent in a month up to here. */
  | { readonly kind: 'spent'; readonly month: string; readonly amount: Wei }
  /** Everything that was added to channels by itself in a month up to here: recorded before it is sent. */
  | { readonly kind: 'topUps'; readonly month: string; readonly amount: Wei }
  /** Bytes that flowed in one session in one month, in total: written while they flow. */
  | { readonly kind: 'usage'; readonly session: string; readonly month: string; readonly bytes: Bytes }
  /**
   * What a lending cost and carried on one day (UTC) up to here: recorded before the total that costs it. The bytes are rounded up
   * while a session runs; the latest entry holds.
   */
  | {
      readonly kind: 'lent'
      readonly lending: string
      readonly day: string
      readonly spent: Wei
      readonly bytes: Bytes
    }
  /** Both signatures of a channel's first state: the hub took the channel before a token was risked. */
  | {
      readonly kind: 'prefund'
      readonly channelId: Hex
      readonly hub: Address
      readonly nonce: number
      readonly ownSignature: Hex
      readonly hubSignature: Hex
    }
  /** Somebody showed a total of this channel that was signed elsewhere: nothing is signed on it until a doubt. */
  | { readonly kind: 'conflict'; readonly channelId: Hex }
  /** The user says that totals of this channel may be missing here: larger ones are learned from now on. */
  | { readonly kind: 'doubt'; readonly channelId: Hex }
  /** The final state is about to be signed: nothing is promised on this channel any more. */
  | {
      readonly kind: 'closing'
      readonly channelId: Hex
      readonly totals: readonly ProviderTotal[]
    }
  /**
   * Leaving a channel alone: `asked` may begin until `at`, since the signed request is good that long; `begun` ends at
   * `at`, by the chain's clock; `done` is over.
   */
  | {
      readonly kind: 'exit'
      readonly channelId: Hex
      readonly stage: 'asked' | 'begun' | 'done'
      readonly at: UnixSeconds
    }
  /** A session is over; what it was, signed. */
  | {
      readonly kind: 'receipt'
      readonly receipt: StoredReceipt
      /** Signature of the receipt that this one takes the place of: the session was rated since. */
      readonly replaces?: Hex
    }
  /** The hub has counted the receipt with this signature, or never will. */
  | { readonly kind: 'delivered'; readonly signature: Hex }

/** A session's receipt with what the signed document leaves out. */
export interface StoredReceipt extends Signed<'SessionReceipt'> {
  readonly downBytes: number
  readonly upBytes: number
  readonly promises: number
  readonly seconds: number
  readonly spent: Wei
  readonly reason: string
  /** When the session ended, where the receipt was signed anew since. */
  readonly sessionEndedAt?: number
}

/** How far a channel is on its way out, alone. */
export type Exit = Extract<JournalEntry, { kind: 'exit' }>

/** An entry as it comes out of JSON, amounts as decimal text. @throws RangeError when it is none. */
export function revived(entry: unknown): JournalEntry {
  const fields = entry as Record<string, unknown> & { kind?: unknown }
  const amount = (value: unknown): Wei => wei(BigInt(String(value)))
  const total = (value: { provider: string; amount: string }): ProviderTotal => ({
    provider: address(value.provider),
    amount: amount(value.amount),
  })
  switch (fields.kind) {
    case 'total':
      return {
        kind: 'total',
        channelId: bytes32(String(fields.channelId)),
        ...total(fields as never),
        ...(fields.at === undefined ? {} : { at: unixSeconds(Number(fields.at)) }),
      }
    case 'spent':
    case 'topUps':
      return { kind: fields.kind, month: String(fields.month), amount: amount(fields.amount) }
    case 'usage':
      return {
        kind: 'usage',
        session: String(fields.session),
        month: String(fields.month),
        bytes: bytes(BigInt(String(fields.bytes))),
      }
    case 'lent':
      return {
        kind: 'lent',
        lending: String(fields.lending),
        day: String(fields.day),
        spent: amount(fields.spent),
        bytes: bytes(BigInt(String(fields.bytes))),
      }
    case 'prefund':
      return fields as unknown as JournalEntry
    case 'closing':
      return {
        kind: 'closing',
        channelId: bytes32(String(fields.channelId)),
        totals: (fields.totals as { provider: string; amount: string }[]).map(total),
      }
    case 'delivered':
      return { kind: 'delivered', signature: fields.signature as Hex }
    case 'conflict':
    case 'doubt':
      return { kind: fields.kind, channelId: bytes32(String(fields.channelId)) }
    case 'exit':
      return {
        kind: 'exit',
        channelId: bytes32(String(fields.channelId)),
        stage: fields.stage as Exit['stage'],
        at: unixSeconds(Number(fields.at)),
      }
    case 'receipt': {
      const receipt = fields.receipt as StoredReceipt
      return {
        kind: 'receipt',
        receipt: { ...receipt, amount: amount(receipt.amount), spent: amount(receipt.spent) },
        ...(fields.replaces === undefined ? {} : { replaces: fields.replaces as Hex }),
      }
    }
    default:
      throw new RangeError(`The journal has an entry of the unknown kind "${String(fields.kind)}".`)
  }
}
