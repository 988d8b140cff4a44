import { type Bytes, bytes, type Wei, wei } from '@pontage/shared'
import { Draft, mapOf } from './draft.js'
import type { JournalEntry } from './journalEntry.js'

type Entry = Extract<JournalEntry, { kind: 'spent' | 'topUps' | 'usage' | 'lent' }>

interface Figures {
  readonly spent: ReadonlyMap<string, Wei>
  readonly added: ReadonlyMap<string, Wei>
  readonly flowed: ReadonlyMap<string, Extract<JournalEntry, { kind: 'usage' }>>
  readonly lent: ReadonlyMap<string, Extract<JournalEntry, { kind: 'lent' }>>
}

/** What was spent, what was added to channels by itself, and what flowed, month by month (such as `2026-11`). Immutable. */
export class Usage {
  constructor(readonly figures: Figures) {}

  static readonly empty = new Usage({
    spent: new Map(),
    added: new Map(),
    flowed: new Map(),
    lent: new Map(),
  })

  /** As {@link UsageDraft.add}. */
  with(entry: Entry): Usage {
    const draft = new UsageDraft(this)
    draft.add(entry)
    return draft.take()
  }

  /** Wei signed away in a month. */
  spentIn(month: string): Wei {
    return this.figures.spent.get(month) ?? wei(0n)
  }

  /** Wei added to channels by itself in a month. */
  addedIn(month: string): Wei {
    return this.figures.added.get(month) ?? wei(0n)
  }

  /**
   * What a lending cost and carried.
   *
   * @param during - A day, a month, or the beginning of one; the empty text for all of its time.
   */
  lentIn(lending: string, during: string): { spent: Wei; bytes: Bytes } {
    const entries = [...this.figures.lent.values()].filter(
      (entry) => entry.lending === lending && entry.day.startsWith(during),
    )
    return {
      spent: wei(entries.reduce((sum, each) => sum + each.spent, 0n)),
      bytes: bytes(entries.reduce((sum, each) => sum + each.bytes, 0n)),
    }
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
    const entries = [...this.figures.flowed.values()].filter(counts)
    return bytes(entries.reduce((all, each) => all + each.bytes, 0n))
  }

  /** The entries that it takes to have it again. */
  entries(): readonly Entry[] {
    const { spent, added, flowed, lent } = this.figures
    return [
      ...[...spent].map(([month, amount]) => ({ kind: 'spent', month, amount }) as const),
      ...[...added].map(([month, amount]) => ({ kind: 'topUps', month, amount }) as const),
      ...flowed.values(),
      ...lent.values(),
    ]
  }
}

/** Figures that are being put together. */
export class UsageDraft {
  readonly #draft: Draft<Figures>
  #usage: Usage

  constructor(usage: Usage) {
    this.#usage = usage
    this.#draft = new Draft(usage.figures)
  }

  /** Figures are sums so far: a lower one changes nothing, but for what was lent, where the latest holds. */
  add(entry: Entry): void {
    const draft = this.#draft
    switch (entry.kind) {
      case 'spent':
        this.#raise('spent', entry.month, entry.amount)
        break
      case 'topUps':
        this.#raise('added', entry.month, entry.amount)
        break
      case 'lent':
        draft.own('lent', mapOf).set(`${entry.lending} ${entry.day}`, entry)
        break
      case 'usage': {
        const key = `${entry.session} ${entry.month}`
        if (entry.bytes > (draft.parts.flowed.get(key)?.bytes ?? 0n))
          draft.own('flowed', mapOf).set(key, entry)
      }
    }
  }

  /** Adds what was signed away in a month. */
  spend(month: string, amount: bigint): void {
    this.#raise('spent', month, wei((this.#draft.parts.spent.get(month) ?? 0n) + amount))
  }

  /** What came of it: the same as before where nothing changed. */
  take(): Usage {
    const figures = this.#draft.take()
    if (figures !== this.#usage.figures) this.#usage = new Usage(figures)
    return this.#usage
  }

  #raise(sums: 'spent' | 'added', month: string, amount: Wei): void {
    if (amount > (this.#draft.parts[sums].get(month) ?? 0n)) this.#draft.own(sums, mapOf).set(month, amount)
  }
}
