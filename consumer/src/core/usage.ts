import { type Bytes, bytes, larger, type Wei, wei } from '@pontage/shared'
import type { JournalEntry } from './journalEntry.js'

type Entry = Extract<JournalEntry, { kind: 'spent' | 'usage' }>

/** What was spent, and what flowed, month by month (such as `2026-11`). Immutable. */
export class Usage {
  private constructor(
    private readonly spent: ReadonlyMap<string, Wei>,
    private readonly flowed: ReadonlyMap<string, Extract<JournalEntry, { kind: 'usage' }>>,
  ) {}

  static readonly empty = new Usage(new Map(), new Map())

  /** Figures are sums so far: a lower one changes nothing. */
  with(entry: Entry): Usage {
    const { month } = entry
    if (entry.kind === 'spent')
      return new Usage(new Map(this.spent).set(month, larger(entry.amount, this.spentIn(month))), this.flowed)
    const key = `${entry.session} ${month}`
    const before = this.flowed.get(key)?.bytes ?? 0n
    return entry.bytes <= before ? this : new Usage(this.spent, new Map(this.flowed).set(key, entry))
  }

  /** Adds what was signed away in a month. */
  spending(month: string, amount: bigint): Usage {
    return new Usage(new Map(this.spent).set(month, wei(this.spentIn(month) + amount)), this.flowed)
  }

  /** Wei signed away in a month. */
  spentIn(month: string): Wei {
    return this.spent.get(month) ?? wei(0n)
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
    return bytes([...this.flowed.values()].filter(counts).reduce((all, each) => all + each.bytes, 0n))
  }

  /** The entries that it takes to have it again. */
  entries(): readonly Entry[] {
    const spent = [...this.spent].map(([month, amount]) => ({ kind: 'spent', month, amount }) as const)
    return [...spent, ...this.flowed.values()]
  }
}
