import type { UnixSeconds, Wei } from '@pontage/shared'
import { isPastHalf } from './guarantee.js'

/** One channel as far as settling depends on it. */
export interface SettlingChannel {
  readonly promise: { readonly amount: Wei; readonly cleared: Wei; readonly drawn: Wei } | undefined
  readonly guarantee:
    | { readonly ceiling: Wei; readonly expiresAt: number; readonly receivedAt: UnixSeconds }
    | undefined
}

/** Promises to show the hub: those that grew, and those whose guarantee is due for renewal. */
export function shouldClear({ promise, guarantee }: SettlingChannel, now: UnixSeconds): boolean {
  if (promise === undefined) return false
  if (promise.amount > promise.cleared) return true
  return promise.amount > promise.drawn && guarantee !== undefined && isPastHalf(guarantee, now)
}

/** Why a promise is drawn by ourselves, without waiting for the hub. */
export type DrawReason =
  | 'guarantee nears its end'
  | 'the channel is ending'
  | 'the hub is not relied on'
  | 'the exposure nears its limit'

/**
 * Whether, and why, to draw a promise under its guarantee now. Called after the hub had its chance to renew:
 * whatever the hub promised for it, a draw pays from the channel into our account and nothing is paid twice.
 */
export function whyDraw(
  channel: SettlingChannel,
  now: UnixSeconds,
  circumstances: { readonly ending: boolean; readonly hubInTrouble: boolean; readonly overExposed: boolean },
): DrawReason | undefined {
  const { promise, guarantee } = channel
  if (promise === undefined || guarantee === undefined || guarantee.expiresAt <= now) return undefined
  if (promise.amount <= promise.drawn || guarantee.ceiling <= promise.drawn) return undefined
  if (circumstances.ending) return 'the channel is ending'
  if (circumstances.hubInTrouble) return 'the hub is not relied on'
  if (circumstances.overExposed) return 'the exposure nears its limit'
  return isPastHalf(guarantee, now) ? 'guarantee nears its end' : undefined
}
