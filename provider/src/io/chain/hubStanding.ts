import { type Address, isActive } from '@pontage/shared'
import { type Chain, readHub, readStanding } from '@pontage/shared/node'
import type { HubStanding } from '../../core/hubTrust.js'

/** What decides whether a hub is relied on, and when an announced higher fee takes effect (zero without one). */
export async function readHubStanding(
  chain: Chain,
  hub: Address,
): Promise<HubStanding & { readonly feeChangesAt: number }> {
  const [standing, { pendingWithdrawal, feeChangesAt }] = await Promise.all([
    readStanding(chain, hub),
    readHub(chain, hub),
  ])
  const { debt, faults, unbonding } = standing
  return { isActive: isActive(standing, 'hub'), debt, faults, unbonding, pendingWithdrawal, feeChangesAt }
}
