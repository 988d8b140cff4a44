import { type Address, larger, refuse, type Verdict, type Wei, wei } from '@pontage/shared'
import { type ChannelLine, type Tab, tabOf } from './channelLine.js'

/**
 * Decides whether a channel can stand for `ceiling` towards one provider, on top of what it stands for
 * towards all of them (docs/protocol.md, What the hub checks).
 *
 * @returns What of the balance is then reserved, at most the balance.
 */
export function judgeReservation(
  line: ChannelLine,
  provider: Address,
  ceiling: Wei,
): Verdict<{ reserved: Wei }> {
  if (line.status === 'none') return refuse({ code: 'unknown-channel', channelId: line.channelId })
  if (line.status === 'closed' || line.closing)
    return refuse({ code: 'channel-closing', channelId: line.channelId })
  if (line.exitAt !== 0) return refuse({ code: 'exit-begun', channelId: line.channelId, exitAt: line.exitAt })
  const before = tabOf(line, provider)
  const others = line.tabs.filter((tab) => tab.provider !== provider)
  const reserved = reservedBy([...others, { ...before, liveCeiling: larger(before.liveCeiling, ceiling) }])
  if (reserved > line.balance) {
    const forOthers = reservedBy(others)
    const free = line.balance > forOthers ? line.balance - forOthers + before.drawn : before.drawn
    return refuse({ code: 'insufficient-collateral', ceiling, available: free })
  }
  return { ok: true, reserved }
}

/** Wei of a channel's balance that these tabs may still take. */
export function reservedBy(tabs: readonly Tab[]): Wei {
  return wei(
    tabs.reduce((sum, tab) => {
      const claim = larger(larger(tab.liveCeiling, tab.cleared), tab.protested)
      return claim > tab.drawn ? sum + claim - tab.drawn : sum
    }, 0n),
  )
}
