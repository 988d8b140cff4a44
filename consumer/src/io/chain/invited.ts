import type { Address, Signed, UnixSeconds } from '@pontage/shared'
import type { Chain, TypedData } from '@pontage/shared/node'
import type { Offer } from '../../core/choose.js'
import { offerOf, whyNotInvited } from '../../core/invitation.js'
import { isPresentable } from '../../core/presentable.js'
import { standingsAs } from './discovery.js'

/** What was made of the invitations in a home. */
export interface Invited {
  readonly offers: readonly Offer[]
  /** Those that are no use, and the end of a sentence about why. */
  readonly unfit: readonly { readonly provider: Address; readonly reason: string }[]
}

/** Holds invitations against their signatures and the chain: stake, faults and debts are as for any offer. */
export async function checkedInvitations(
  chain: Chain,
  typedData: TypedData,
  found: readonly Signed<'Invitation'>[],
  self: { readonly address: Address; readonly now: UnixSeconds },
): Promise<Invited> {
  const judged = found.map((invitation) => {
    const isGenuine = typedData.check('Invitation', invitation, invitation.provider).ok
    const reason = isGenuine
      ? whyNotInvited(invitation, self.address, self.now)
      : 'was not signed by it, or for another chain'
    return { invitation, reason }
  })
  const good = judged.flatMap(({ invitation, reason }) => (reason === undefined ? [invitation] : []))
  const standings = await standingsAs(
    chain,
    good.map(({ provider }) => provider),
    'provider',
  )
  return {
    offers: good.flatMap((invitation, index) => {
      const standing = standings[index]
      const offer = standing && offerOf(invitation, standing)
      return offer && isPresentable(offer.proposal) ? [offer] : []
    }),
    unfit: judged.flatMap(({ invitation, reason }) =>
      reason === undefined ? [] : [{ provider: invitation.provider, reason }],
    ),
  }
}
