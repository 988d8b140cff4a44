import {
  type Address,
  larger,
  type ProviderTotal,
  type ReleaseTerms,
  refuse,
  type Verdict,
  wei,
} from '@pontage/shared'
import type { ChannelLine, Tab } from './channelLine.js'

/** The totals a final state of this channel must carry, in the order of the providers' addresses. */
export const finalTotals = (line: ChannelLine): readonly ProviderTotal[] =>
  line.tabs
    .map((tab) => ({ provider: tab.provider, amount: larger(tab.cleared, tab.drawn) }))
    .filter(({ amount }) => amount > 0n)
    .sort((a, b) => (a.provider < b.provider ? -1 : 1))

/** Whose guarantees could still be drawn under after the channel is concluded. */
export const holdersOf = (line: ChannelLine): readonly Tab[] =>
  line.tabs.filter((tab) => tab.liveCeiling > 0n)

/**
 * Decides whether the hub may sign a final state: it pays each provider exactly what was cleared, the channel
 * holds it, and nobody keeps a live guarantee.
 */
export function judgeFinal(
  line: ChannelLine,
  totals: readonly ProviderTotal[],
  releases: readonly ReleaseTerms[],
): Verdict {
  if (line.status === 'none') return refuse({ code: 'unknown-channel', channelId: line.channelId })
  if (line.status === 'closed' || line.closing)
    return refuse({ code: 'channel-closing', channelId: line.channelId })
  const expected = finalTotals(line)
  const providers = new Set([...expected, ...totals, ...releases].map(({ provider }) => provider))
  for (const provider of providers) {
    const signed = expected.find((total) => total.provider === provider)?.amount ?? 0n
    const given = totals.filter((total) => total.provider === provider)
    const released = releases.filter((release) => release.provider === provider)
    const amount = given[0]?.amount ?? 0n
    if (amount !== signed || given.length > 1 || released.length > 1)
      return refuse({ code: 'unequal-totals', provider, amount, signed })
    if (released.some((release) => release.amount > signed))
      return refuse({ code: 'unequal-totals', provider, amount, signed: released[0]?.amount ?? signed })
  }
  for (const holder of holdersOf(line))
    if (!releases.some(({ provider, upTo }) => provider === holder.provider && upTo >= holder.expiresAt))
      return refuse({
        code: 'close-delayed',
        channelId: line.channelId,
        provider: holder.provider,
        until: holder.expiresAt,
      })
  const drawnBy = (provider: Address) => line.tabs.find((tab) => tab.provider === provider)?.drawn ?? 0n
  const due = totals.reduce((sum, { provider, amount }) => sum + amount - drawnBy(provider), 0n)
  if (due > line.balance)
    return refuse({ code: 'insufficient-collateral', ceiling: wei(due), available: line.balance })
  return { ok: true }
}
