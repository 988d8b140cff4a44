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
   * Leaving a channel alone: `asked` may begin until `at`, since the signed paper is good that long; `begun` ends at
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

interface State {
  readonly totals: ReadonlyMap<string, { channelId: Hex } & ProviderTotal>
  readonly closing: ReadonlyMap<Hex, JournalEntry>
  readonly prefunds: ReadonlyMap<Hex, JournalEntry>
  readonly exits: ReadonlyMap<Hex, Exit>
  readonly conflicts: ReadonlySet<Hex>
  readonly doubts: ReadonlySet<Hex>
  /** Totals recorded since the last doubt about their channel, by the key of `totals`. */
  readonly known: ReadonlySet<string>
  readonly receipts: readonly StoredReceipt[]
  readonly delivered: ReadonlySet<Hex>
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
    exits: new Map(),
    conflicts: new Set(),
    doubts: new Set(),
    known: new Set(),
    receipts: [],
    delivered: new Set(),
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
    const { totals, closing, prefunds, exits, doubts, known, receipts, spent, usage } = this.#state
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
          known: new Set(known).add(key(channelId, provider)),
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
      case 'conflict':
        return changed({ conflicts: new Set(this.#state.conflicts).add(entry.channelId) })
      case 'doubt':
        return changed({
          conflicts: new Set([...this.#state.conflicts].filter((each) => each !== entry.channelId)),
          doubts: new Set(doubts).add(entry.channelId),
          known: new Set([...known].filter((each) => !each.startsWith(entry.channelId))),
        })
      case 'closing':
        return changed({ closing: new Map(closing).set(entry.channelId, entry) })
      case 'exit':
        return changed({ exits: new Map(exits).set(entry.channelId, entry) })
      case 'receipt': {
        const { receipt, replaces } = entry
        const isOlder = ({ signature }: StoredReceipt) => signature === replaces
        return changed({
          receipts: receipts.some(isOlder)
            ? receipts.map((each) => (isOlder(each) ? receipt : each))
            : [...receipts, receipt],
        })
      }
      case 'delivered':
        return changed({ delivered: new Set(this.#state.delivered).add(entry.signature) })
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

  /** Whether another device signs on this channel, as far as is known. */
  isContested(channelId: Hex): boolean {
    return this.#state.conflicts.has(channelId)
  }

  isClosing(channelId: Hex): boolean {
    return this.#state.closing.has(channelId)
  }

  /** How far a channel is on its way out alone; undefined while nobody asked for it here. */
  exit(channelId: Hex): Exit | undefined {
    return this.#state.exits.get(channelId)
  }

  exits(): readonly Exit[] {
    return [...this.#state.exits.values()]
  }

  /**
   * Whether the total of this provider on this channel is here: the journal was there when the channel was opened,
   * or has a total of theirs. A larger one that carries our signature was then signed elsewhere.
   */
  knows(channelId: Hex, provider: Address): boolean {
    const { prefunds, doubts, known } = this.#state
    return known.has(key(channelId, provider)) || (prefunds.has(channelId) && !doubts.has(channelId))
  }

  /** Receipts of sessions that cost something, which no hub has counted yet. */
  undelivered(): readonly StoredReceipt[] {
    const { receipts, delivered } = this.#state
    return receipts.filter(({ signature, spent }) => spent > 0n && !delivered.has(signature))
  }

  receipts(): readonly StoredReceipt[] {
    return this.#state.receipts
  }

  /** The entries that still matter. */
  entries(): readonly JournalEntry[] {
    const { totals, closing, prefunds, exits, doubts, known, receipts, spent, usage } = this.#state
    const totalsThat = (isKnown: boolean) =>
      [...totals]
        .filter(([each]) => known.has(each) === isKnown)
        .map(([, each]) => ({ kind: 'total', ...each }) as const)
    return [
      ...prefunds.values(),
      ...totalsThat(false),
      ...[...doubts].map((channelId) => ({ kind: 'doubt', channelId }) as const),
      ...[...this.#state.conflicts].map((channelId) => ({ kind: 'conflict', channelId }) as const),
      ...totalsThat(true),
      ...[...spent].map(([month, amount]) => ({ kind: 'spent', month, amount }) as const),
      ...usage.values(),
      ...closing.values(),
      ...exits.values(),
      ...[...this.#state.delivered]
        .filter((signature) => receipts.some((each) => each.signature === signature))
        .map((signature) => ({ kind: 'delivered', signature }) as const),
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
        receipt: { ...receipt, amount: BigInt(receipt.amount), spent: amount(receipt.spent) },
        ...(fields.replaces === undefined ? {} : { replaces: fields.replaces as Hex }),
      }
    }
    default:
      throw new RangeError(`The journal has an entry of the unknown kind "${String(fields.kind)}".`)
  }
}
