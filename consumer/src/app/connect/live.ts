import {
  amountText,
  type Bytes,
  formatBytes,
  type Price,
  type TokenNames,
  type Wei,
  wei,
} from '@pontage/shared'
import { type Allowances, allowancesOf, isNearlyUsed } from '../../core/allowances.js'
import { capLeft } from '../../core/cap.js'
import type { CarrierName } from '../../core/carrier.js'
import { spentIn } from '../../core/session.js'
import { sentenceOfEnd } from './endings.js'
import { ticksBeforeSuspended } from './humanScreen.js'
import type { Screen } from './screen.js'
import { budgetLeft } from './sums.js'

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
  /** What the tunnel's packets travel by; null before the first tunnel. */
  readonly carrier: CarrierName | null
  /** What everything outside goes through; null where it goes straight, and before the first tunnel. */
  readonly proxy: string | null
  /** Whether what was recorded of it stays closed to a quantum computer; null before the first tunnel. */
  readonly postQuantum: boolean | null
  /** Providers that served so far, this one included. */
  readonly sessions: number
  /** The provider's country and price, and since when it serves, in Unix milliseconds; null before the first. */
  readonly serving: { readonly country: string; readonly price: Price; readonly sinceMs: number } | null
  /** How far cap, budget and channel are used up; null before the first session. */
  readonly allowances: Allowances | null
  /** Why it is not simply connected, as it was told last. */
  readonly reason: string | null
}

/** Watches a screen: what it is told is kept for whoever asks. `isRising`: there is no tunnel yet, or none any more. */
export function watched(
  screen: Screen,
  token: TokenNames,
): { screen: Screen; live: () => Live; isRising: () => boolean } {
  let live: Live = {
    ...{
      state: 'connecting',
      downBytes: null,
      upBytes: null,
      bytesPerSecond: 0,
      spentWei: wei(0n),
      capLeft: null,
      latencyMs: null,
      ...{ mtu: null, carrier: null, proxy: null, postQuantum: null },
      budgetLeftWei: null,
    },
    sessions: 0,
    ...{ serving: null, allowances: null, reason: null },
  }
  let suspendedTicks = 0
  let spentBefore = 0n
  let isRising = true
  let bytesBefore = 0n
  let atStart: Parameters<Screen['connected']>[0]['atStart'] | undefined
  const warned = new Set<keyof Allowances>()
  const used = (session: { bytes: bigint; spent: bigint }): Allowances | null =>
    atStart === undefined
      ? null
      : allowancesOf(
          atStart,
          { bytes: session.bytes as Bytes, spent: wei(session.spent) },
          { bytes: bytesBefore as Bytes, spent: wei(spentBefore) },
        )
  /** Says once of each limit that it will soon be reached. */
  const warn = (allowances: Allowances | null) => {
    for (const [name, text] of [
      ['cap', formatBytes],
      ['budget', (amount: bigint) => amountText(amount, token)],
      ['channel', (amount: bigint) => amountText(amount, token)],
    ] as const) {
      const allowance = allowances?.[name]
      if (allowance === undefined || warned.has(name) || !isNearlyUsed(allowance)) continue
      warned.add(name)
      screen.warned(`Four fifths of the ${name} are used: ${text(allowance.left)} left.`)
    }
  }
  const note = (news: Partial<Live>) => {
    live = { ...live, ...news }
  }
  return {
    live: () => live,
    isRising: () => isRising,
    screen: {
      ...screen,
      refused(refused) {
        note({ reason: refused.message })
        screen.refused(refused)
      },
      connected(tunnel) {
        isRising = false
        atStart = tunnel.atStart
        const { country, price } = tunnel
        note({
          ...{ serving: { country, price, sinceMs: Date.now() }, reason: null },
          allowances: used({ bytes: 0n, spent: 0n }),
          ...{ state: 'connected', sessions: live.sessions + 1 },
          ...{ capLeft: asNumber(tunnel.limit), mtu: tunnel.path.mtu, carrier: tunnel.carrier },
          ...{ proxy: tunnel.proxy, postQuantum: tunnel.postQuantum },
        })
        screen.connected(tunnel)
      },
      carried(carrier) {
        note({ carrier })
        screen.carried(carrier)
      },
      report(report, budget) {
        const { kind, session } = report
        // A pause between two payments is nothing that somebody has to do something about.
        if (session.phase !== 'suspended') suspendedTicks = 0
        else if (kind === 'progress') suspendedTicks++
        const carried = session.downBytes + session.upBytes
        const allowances = used({ bytes: carried, spent: spentIn(session) })
        warn(allowances)
        note({
          state:
            kind === 'reconnecting'
              ? kind
              : suspendedTicks >= ticksBeforeSuspended
                ? 'suspended'
                : 'connected',
          downBytes: Number(session.downBytes),
          upBytes: Number(session.upBytes),
          bytesPerSecond: Math.round(report.bytesPerSecond),
          spentWei: wei(spentBefore + spentIn(session)),
          capLeft: session.limit === undefined ? null : asNumber(capLeft(session.limit, carried as Bytes)),
          budgetLeftWei: budgetLeft(budget, session) ?? null,
          latencyMs: report.latencyMs ?? null,
          ...(kind === 'progress' ? {} : { reason: report.message ?? null }),
          allowances,
        })
        screen.report(report, budget)
      },
      failedOver(session, receipt) {
        isRising = true
        spentBefore += receipt.spent
        bytesBefore += session.downBytes + session.upBytes
        note({
          ...{ state: 'reconnecting', bytesPerSecond: 0, spentWei: wei(spentBefore), serving: null },
          reason: sentenceOfEnd(session),
        })
        screen.failedOver(session, receipt)
      },
    },
  }
}

const asNumber = (amount: bigint | undefined): number | null => (amount === undefined ? null : Number(amount))
