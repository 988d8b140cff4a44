import { type Bytes, bytes, type Wei, wei } from '@pontage/shared'
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
  private constructor(private readonly figures: Figures) {}

  static readonly empty = new Usage({
    spent: new Map(),
    added: new Map(),
    flowed: new Map(),
    lent: new Map(),
  })

  /** Figures are sums so far: a lower one changes nothing, but for what was lent, where the latest holds. */
  with(entry: Entry): Usage {
    const { spent, added, flowed, lent } = this.figures
    switch (entry.kind) {
      case 'spent':
        return new Usage({ ...this.figures, spent: raised(spent, entry.month, entry.amount) })
      case 'topUps':
        return new Usage({ ...this.figures, added: raised(added, entry.month, entry.amount) })
      case 'lent':
        return new Usage({
          ...this.figures,
          lent: new Map(lent).set(`${entry.lending} ${entry.day}`, entry),
        })
      case 'usage': {
        const key = `${entry.session} ${entry.month}`
        const before = flowed.get(key)?.bytes ?? 0n
        return entry.bytes <= before
          ? this
          : new Usage({ ...this.figures, flowed: new Map(flowed).set(key, entry) })
      }
    }
  }

  /** Adds what was signed away in a month. */
  spending(month: string, amount: bigint): Usage {
    return this.with({ kind: 'spent', month, amount: wei(this.spentIn(month) + amount) })
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

const raised = (sums: ReadonlyMap<string, Wei>, month: string, amount: Wei): ReadonlyMap<string, Wei> =>
  amount > (sums.get(month) ?? 0n) ? new Map(sums).set(month, amount) : sums
