import { type Address, money } from '@pontage/shared'
import type { Result } from 'ethers'
import { emitted } from './contracts.js'
import { type Done, Refused } from './effects.js'
import { who } from './reading.js'
import { type ChainState, put } from './state.js'

/** A call of Marketplace. */
export async function onMarket(given: ChainState, from: Address, name: string, args: Result): Promise<Done> {
  if (name === 'withdrawOffer') {
    const offer = given.offers.get(from)
    if (!offer?.live) throw new Refused('NoOffer')
    const gone = { ...offer, live: false, issuedAt: Math.max(offer.issuedAt, given.money.now) }
    return {
      ok: true,
      state: { ...given, offers: put(given.offers, from, gone) },
      logs: [emitted('marketplace', 'ProposalWithdrawn', [from])],
    }
  }
  if (name !== 'publish') throw new Refused('')
  const proposal = args.proposal as Result
  const provider = who(proposal.provider)
  const issuedAt = Number(proposal.issuedAt)
  if (issuedAt <= (given.offers.get(provider)?.issuedAt ?? 0)) throw new Refused('StaleProposal')
  if (issuedAt > given.money.now + 60) throw new Refused('ProposalFromTheFuture')
  if (!money.isActive(given.money, provider, 2)) throw new Refused('NotActive')
  const { pricePerMegabyte, pricePerHour } = proposal
  const offer = { live: true, issuedAt, pricePerMegabyte, pricePerHour }
  const logs = [
    emitted('marketplace', 'ProposalPublished', [provider, proposal, args.signature, given.money.now]),
  ]
  return { ok: true, state: { ...given, offers: put(given.offers, provider, offer) }, logs }
}
