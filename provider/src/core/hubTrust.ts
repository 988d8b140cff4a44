import { type Address, countOf, refuse, type Verdict } from '@pontage/shared'

/** What the chain says of a hub. */
export interface HubStanding {
  readonly isActive: boolean
  readonly faults: number
  readonly debt: bigint
  readonly unbonding: bigint
  readonly pendingWithdrawal: bigint
}

/** Why a hub is not to be relied on any more; undefined when it is. */
export function hubTrouble(standing: HubStanding): string | undefined {
  if (standing.debt > 0n) return `it owes ${standing.debt} wei for promises it did not keep`
  if (standing.faults > 0) return `it has ${countOf(standing.faults, 'fault')} on chain`
  if (!standing.isActive) return 'it is not registered as a hub with the minimum stake'
  if (standing.unbonding > 0n) return 'its stake is unbonding'
  if (standing.pendingWithdrawal > 0n) return 'its pool is being withdrawn'
  return undefined
}

/** A hub that is so far gone that nothing more is promised under it, however short the way to a draw. */
export const isBroken = ({ debt, faults, isActive }: HubStanding): boolean =>
  debt > 0n || faults > 0 || !isActive

/** How long before a raise of its fee everything is drawn and redeemed at the old one, in seconds. */
const beforeRaiseSeconds = 3_600

/** Whether a hub is about to raise its fee: what is not drawn by then costs more. */
export const isAboutToRaise = (feeChangesAt: number, now: number): boolean =>
  feeChangesAt > 0 && feeChangesAt - now <= beforeRaiseSeconds

/** Decides whether new promises are taken under this hub. */
export function judgeHub(hub: Address, standing: HubStanding): Verdict {
  const problem = hubTrouble(standing)
  return problem === undefined ? { ok: true } : refuse({ code: 'hub-unsound', hub, problem })
}
