import type { Address, Hex } from '@pontage/shared'
import { Draft, mapOf, setOf } from './draft.js'
import type { Exit, JournalEntry, ProviderTotal, StoredReceipt } from './journalEntry.js'
import { monthOf } from './limits.js'
import { Usage, UsageDraft } from './usage.js'

/** What the entries of a journal add up to. */
export interface JournalParts {
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

export const emptyParts: JournalParts = {
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
}

/** Of what is known of a provider on a channel. */
export const keyOf = (channelId: Hex, provider: Address): string => `${channelId} ${provider}`

/** A journal that is being read: with years in it, a copy for each entry would take minutes. */
export class JournalDraft {
  readonly #draft: Draft<JournalParts>
  readonly #usage: UsageDraft

  constructor(parts: JournalParts) {
    this.#draft = new Draft(parts)
    this.#usage = new UsageDraft(parts.usage)
  }

  /**
   * Adds an entry.
   *
   * @throws RangeError for a total below the recorded one, or a new total once the channel is closing.
   */
  add(entry: JournalEntry): void {
    const draft = this.#draft
    switch (entry.kind) {
      case 'total':
        this.#addTotal(entry)
        break
      case 'spent':
      case 'topUps':
      case 'usage':
      case 'lent':
        this.#usage.add(entry)
        break
      case 'prefund':
        draft.own('prefunds', mapOf).set(entry.channelId, entry)
        break
      case 'conflict':
        draft.own('conflicts', setOf).add(entry.channelId)
        break
      case 'doubt':
        draft.own('conflicts', setOf).delete(entry.channelId)
        draft.own('doubts', setOf).add(entry.channelId)
        this.#forgetWhatIsKnown(entry.channelId)
        break
      case 'closing':
        draft.own('closing', mapOf).set(entry.channelId, entry)
        break
      case 'exit':
        draft.own('exits', mapOf).set(entry.channelId, entry)
        break
      case 'receipt':
        this.#addReceipt(entry)
        break
      case 'delivered':
        draft.own('delivered', setOf).add(entry.signature)
        break
    }
  }

  /** What came of it. */
  take(): JournalParts {
    return { ...this.#draft.take(), usage: this.#usage.take() }
  }

  #addTotal({ channelId, provider, amount, at }: Extract<JournalEntry, { kind: 'total' }>): void {
    const { totals, closing, known } = this.#draft.parts
    const key = keyOf(channelId, provider)
    const before = totals.get(key)?.amount ?? 0n
    if (amount < before) throw new RangeError(`A total of ${amount} wei cannot follow one of ${before} wei.`)
    if (amount > before && closing.has(channelId))
      throw new RangeError(`Channel ${channelId} is closing: nothing is promised on it any more.`)
    this.#draft.own('totals', mapOf).set(key, { channelId, provider, amount })
    if (!known.has(key)) this.#draft.own('known', setOf).add(key)
    if (at !== undefined) this.#usage.spend(monthOf(at), amount - before)
  }

  #forgetWhatIsKnown(channelId: Hex): void {
    const known = this.#draft.own('known', setOf)
    for (const each of known) if (each.startsWith(channelId)) known.delete(each)
  }

  #addReceipt({ receipt, replaces }: Extract<JournalEntry, { kind: 'receipt' }>): void {
    const receipts = this.#draft.own('receipts', (all) => [...all])
    const older = replaces === undefined ? -1 : receipts.findIndex(({ signature }) => signature === replaces)
    if (older < 0) receipts.push(receipt)
    else receipts[older] = receipt
  }
}
