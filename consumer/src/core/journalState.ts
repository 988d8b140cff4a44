import { type Address, type Hex, type Wei, wei } from '@pontage/shared'
import {
  type Exit,
  type JournalEntry,
  type ProviderTotal,
  revived,
  type StoredReceipt,
} from './journalEntry.js'
import { monthOf } from './limits.js'
import { Usage } from './usage.js'

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
  readonly usage: Usage
}

const key = (one: string, other: string): string => `${one} ${other}`

/** What the entries add up to. Immutable. */
export class JournalState {
  readonly #state: State

  private constructor(state: State) {
    this.#state = state
  }

  static readonly empty = new JournalState({
    totals: new Map(),
    closing: new Map(),
    prefunds: new Map(),
    exits: new Map(),
    conflicts: new Set(),
    doubts: new Set(),
    known: new Set(),
    receipts: [],
    delivered: new Set(),
    usage: Usage.empty,
  })

  /** Reads entries as they come out of JSON, amounts as decimal text. @throws RangeError when one is none. */
  static from(entries: readonly unknown[]): JournalState {
    return entries.reduce<JournalState>((trail, entry) => trail.with(revived(entry)), JournalState.empty)
  }

  /**
   * Adds an entry.
   *
   * @throws RangeError for a total below the recorded one, or a new total once the channel is closing.
   */
  with(entry: JournalEntry): JournalState {
    const { totals, closing, prefunds, exits, doubts, known, receipts, usage } = this.#state
    const changed = (change: Partial<State>) => new JournalState({ ...this.#state, ...change })
    switch (entry.kind) {
      case 'total': {
        const { channelId, provider, amount } = entry
        const before = this.total(channelId, provider)
        if (amount < before)
          throw new RangeError(`A total of ${amount} wei cannot follow one of ${before} wei.`)
        if (amount > before && closing.has(channelId))
          throw new RangeError(`Channel ${channelId} is closing: nothing is promised on it any more.`)
        const month = entry.at === undefined ? undefined : monthOf(entry.at)
        return changed({
          totals: new Map(totals).set(key(channelId, provider), { channelId, provider, amount }),
          known: new Set(known).add(key(channelId, provider)),
          usage: month === undefined ? usage : usage.spending(month, amount - before),
        })
      }
      case 'spent':
      case 'topUps':
      case 'usage':
      case 'lent':
        return changed({ usage: usage.with(entry) })
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

  /** What was spent and used. */
  get usage(): Usage {
    return this.#state.usage
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
    const { totals, closing, prefunds, exits, doubts, known, receipts, usage } = this.#state
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
      ...usage.entries(),
      ...closing.values(),
      ...exits.values(),
      ...[...this.#state.delivered]
        .filter((signature) => receipts.some((each) => each.signature === signature))
        .map((signature) => ({ kind: 'delivered', signature }) as const),
      ...receipts.map((receipt) => ({ kind: 'receipt', receipt }) as const),
    ]
  }
}
