import { refuse, type Verdict } from '@pontage/shared'
import type { ProviderTotal } from './journalEntry.js'

/**
 * Judges what a final state would pay: to nobody more than was signed for it. Less is the provider's loss,
 * which it agreed to by its release. Never throws.
 */
export function judgeClosing(draft: readonly ProviderTotal[], signed: readonly ProviderTotal[]): Verdict {
  for (const { provider, amount } of draft) {
    const own = signed.find((each) => each.provider === provider)?.amount ?? 0n
    if (amount > own) return refuse({ code: 'unequal-totals', provider, amount, signed: own })
  }
  return { ok: true }
}
