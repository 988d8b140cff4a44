import { type Bytes, type Wei, wei } from '@pontage/shared'
import { capLeft } from '../../core/cap.js'
import { spentIn } from '../../core/session.js'
import { budgetLeft, type Screen } from './screen.js'

/** What a running connection knows of itself beyond what is written down. */
export interface Live {
  /** `connecting`: before the first tunnel; `reconnecting`: the kill switch is on, and a provider is looked for. */
  readonly state: 'connecting' | 'connected' | 'suspended' | 'reconnecting'
  /** Of this session; null before the first one. */
  readonly downBytes: number | null
  readonly upBytes: number | null
  readonly bytesPerSecond: number
  /** Wei signed away since the connection began, through all its providers. */
  readonly spentWei: Wei
  /** Bytes that may still flow in this session; null without a limit. */
  readonly capLeft: number | null
  /** Wei that may still be spent; null without a budget. */
  readonly budgetLeftWei: Wei | null
  readonly latencyMs: number | null
  /** The largest packet that the tunnel carries, in bytes; null before the first tunnel. */
  readonly mtu: number | null
  /** Providers that served so far, this one included. */
  readonly sessions: number
}

/** Watches a screen: what it is told is kept for whoever asks. */
export function watched(screen: Screen): { screen: Screen; live: () => Live } {
  let live: Live = {
    ...{
      state: 'connecting',
      downBytes: null,
      upBytes: null,
      bytesPerSecond: 0,
      spentWei: wei(0n),
      capLeft: null,
      latencyMs: null,
      mtu: null,
      budgetLeftWei: null,
    },
    sessions: 0,
  }
  let spentBefore = 0n
  const note = (news: Partial<Live>) => {
    live = { ...live, ...news }
  }
  return {
    live: () => live,
    screen: {
      ...screen,
      connected(tunnel) {
        note({
          ...{ state: 'connected', sessions: live.sessions + 1 },
          ...{ capLeft: asNumber(tunnel.limit), mtu: tunnel.path.mtu },
        })
        screen.connected(tunnel)
      },
      report(report, budget) {
        const { kind, session } = report
        const used = session.downBytes + session.upBytes
        note({
          state: kind === 'reconnecting' ? kind : session.phase === 'suspended' ? 'suspended' : 'connected',
          downBytes: Number(session.downBytes),
          upBytes: Number(session.upBytes),
          bytesPerSecond: Math.round(report.bytesPerSecond),
          spentWei: wei(spentBefore + spentIn(session)),
          capLeft: session.limit === undefined ? null : asNumber(capLeft(session.limit, used as Bytes)),
          budgetLeftWei: budgetLeft(budget, session) ?? null,
          latencyMs: report.latencyMs ?? null,
        })
        screen.report(report, budget)
      },
      failedOver(session, receipt) {
        spentBefore += receipt.spent
        note({ state: 'reconnecting', bytesPerSecond: 0, spentWei: wei(spentBefore) })
        screen.failedOver(session, receipt)
      },
    },
  }
}

const asNumber = (amount: bigint | undefined): number | null => (amount === undefined ? null : Number(amount))
