import { type Address, type Hex, type Wei, wei } from '@pontage/shared'
import { emptyParts, JournalDraft, type JournalParts, keyOf } from './journalDraft.js'
import {
  type Exit,
  type JournalEntry,
  type ProviderTotal,
  revived,
  type StoredReceipt,
} from './journalEntry.js'
import type { Usage } from './usage.js'

/** What the entries add up to. Immutable. */
export class JournalState {
  readonly #state: JournalParts

  private constructor(state: JournalParts) {
    this.#state = state
  }

  static readonly empty = new JournalState(emptyParts)

  /** Reads entries as they come out of JSON, amounts as decimal text. @throws RangeError when one is none. */
  static from(entries: Iterable<unknown>): JournalState {
    const draft = new JournalDraft(emptyParts)
    for (const entry of entries) draft.add(revived(entry))
    return JournalState.of(draft)
  }

  /** What a draft has come to. */
  static of(draft: JournalDraft): JournalState {
    return new JournalState(draft.take())
  }

  /**
   * Adds an entry.
   *
   * @throws RangeError for a total below the recorded one, or a new total once the channel is closing.
   */
  with(entry: JournalEntry): JournalState {
    const draft = new JournalDraft(this.#state)
    draft.add(entry)
    return JournalState.of(draft)
  }

  /** Total signed for a provider out of a channel; zero when nothing was. */
  total(channelId: Hex, provider: Address): Wei {
    return this.#state.totals.get(keyOf(channelId, provider))?.amount ?? wei(0n)
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
    return known.has(keyOf(channelId, provider)) || (prefunds.has(channelId) && !doubts.has(channelId))
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
