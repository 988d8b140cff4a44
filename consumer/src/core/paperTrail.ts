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
import { monthOf } from './limits.js'
import { larger } from './order.js'

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
  /** Bytes that flowed in one session in one month, in total: written while they flow. */
  | { readonly kind: 'usage'; readonly session: string; readonly month: string; readonly bytes: Bytes }
  /** Both signatures of a channel's first state: the hub took the channel before a token was risked. */
  | {
      readonly kind: 'prefund'
      readonly channelId: Hex
      readonly hub: Address
      readonly nonce: number
      readonly ownSignature: Hex
      readonly hubSignature: Hex
    }
  /** The final state is about to be signed: nothing is promised on this channel any more. */
  | {
      readonly kind: 'closing'
      readonly channelId: Hex
      readonly totals: readonly ProviderTotal[]
    }
  /** A session is over; what it was, signed. */
  | { readonly kind: 'receipt'; readonly receipt: StoredReceipt }

/** A session's receipt with what the signed document leaves out. */
export interface StoredReceipt extends Signed<'SessionReceipt'> {
  readonly downBytes: number
  readonly upBytes: number
  readonly promises: number
  readonly seconds: number
  readonly spent: Wei
  readonly reason: string
}

interface State {
  readonly totals: ReadonlyMap<string, { channelId: Hex } & ProviderTotal>
  readonly closing: ReadonlyMap<Hex, JournalEntry>
  readonly prefunds: ReadonlyMap<Hex, JournalEntry>
  readonly receipts: readonly StoredReceipt[]
  readonly spent: ReadonlyMap<string, Wei>
  readonly usage: ReadonlyMap<string, Extract<JournalEntry, { kind: 'usage' }>>
}

const key = (one: string, other: string): string => `${one} ${other}`

/** What the entries add up to. Immutable. */
export class PaperTrail {
  readonly #state: State

  private constructor(state: State) {
    this.#state = state
  }

  static readonly empty = new PaperTrail({
    totals: new Map(),
    closing: new Map(),
    prefunds: new Map(),
    receipts: [],
    spent: new Map(),
    usage: new Map(),
  })

  /** Reads entries as they come out of JSON, amounts as decimal text. @throws RangeError when one is none. */
  static from(entries: readonly unknown[]): PaperTrail {
    return entries.reduce<PaperTrail>((trail, entry) => trail.with(revived(entry)), PaperTrail.empty)
  }

  /**
   * Adds an entry.
   *
   * @throws RangeError for a total below the recorded one, or a new total once the channel is closing.
   */
  with(entry: JournalEntry): PaperTrail {
    const { totals, closing, prefunds, receipts, spent, usage } = this.#state
    const changed = (change: Partial<State>) => new PaperTrail({ ...this.#state, ...change })
    switch (entry.kind) {
      case 'total': {
        const { channelId, provider, amount } = entry
        const before = this.total(channelId, provider)
        if (amount < before)
          throw new RangeError(`A total of ${amount} wei may not follow one of ${before} wei.`)
        if (amount > before && closing.has(channelId))
          throw new RangeError(`Channel ${channelId} is closing: nothing is promised on it any more.`)
        const month = entry.at === undefined ? undefined : monthOf(entry.at)
        return changed({
          totals: new Map(totals).set(key(channelId, provider), { channelId, provider, amount }),
          ...(month === undefined
            ? {}
            : { spent: new Map(spent).set(month, wei(this.spentIn(month) + amount - before)) }),
        })
      }
      case 'spent':
        return changed({
          spent: new Map(spent).set(entry.month, larger(entry.amount, this.spentIn(entry.month))),
        })
      case 'usage': {
        const each = key(entry.session, entry.month)
        const before = usage.get(each)?.bytes ?? 0n
        return entry.bytes <= before ? this : changed({ usage: new Map(usage).set(each, entry) })
      }
      case 'prefund':
        return changed({ prefunds: new Map(prefunds).set(entry.channelId, entry) })
      case 'closing':
        return changed({ closing: new Map(closing).set(entry.channelId, entry) })
      case 'receipt':
        return changed({ receipts: [...receipts, entry.receipt] })
    }
  }

  /** Total signed for a provider out of a channel; zero when nothing was. */
  total(channelId: Hex, provider: Address): Wei {
    return this.#state.totals.get(key(channelId, provider))?.amount ?? wei(0n)
  }

  /** Totals of one channel, one for each provider. */
  totals(channelId: Hex): readonly ProviderTotal[] {
    return [...this.#state.totals.values()]
      .filter((each) => each.channelId === channelId)
      .map(({ provider, amount }) => ({ provider, amount }))
  }

  /** Wei signed away in a month such as `2026-11`. */
  spentIn(month: string): Wei {
    return this.#state.spent.get(month) ?? wei(0n)
  }

  /** Bytes that flowed in a month, in all sessions. */
  usedIn(month: string): Bytes {
    return this.#used((entry) => entry.month === month)
  }

  /** Bytes of one session that were written down. */
  usedBy(session: string): Bytes {
    return this.#used((entry) => entry.session === session)
  }

  /** Bytes of one session in one month. */
  usedByIn(session: string, month: string): Bytes {
    return this.#used((entry) => entry.session === session && entry.month === month)
  }

  #used(counts: (entry: { session: string; month: string }) => boolean): Bytes {
    const sum = [...this.#state.usage.values()].filter(counts).reduce((all, each) => all + each.bytes, 0n)
    return bytes(sum)
  }

  isClosing(channelId: Hex): boolean {
    return this.#state.closing.has(channelId)
  }

  receipts(): readonly StoredReceipt[] {
    return this.#state.receipts
  }

  /** The entries that still matter. */
  entries(): readonly JournalEntry[] {
    const { totals, closing, prefunds, receipts, spent, usage } = this.#state
    return [
      ...prefunds.values(),
      ...[...totals.values()].map((each) => ({ kind: 'total', ...each }) as const),
      ...[...spent].map(([month, amount]) => ({ kind: 'spent', month, amount }) as const),
      ...usage.values(),
      ...closing.values(),
      ...receipts.map((receipt) => ({ kind: 'receipt', receipt }) as const),
    ]
  }
}

function revived(entry: unknown): JournalEntry {
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
      return { kind: 'spent', month: String(fields.month), amount: amount(fields.amount) }
    case 'usage':
      return {
        kind: 'usage',
        session: String(fields.session),
        month: String(fields.month),
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
    case 'receipt': {
      const receipt = fields.receipt as StoredReceipt
      return {
        kind: 'receipt',
        receipt: { ...receipt, amount: BigInt(receipt.amount), spent: amount(receipt.spent) },
      }
    }
    default:
      throw new RangeError(`The journal has an entry of the unknown kind "${String(fields.kind)}".`)
  }
}
