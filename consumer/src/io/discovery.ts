import {
  type Address,
  address,
  type Hex,
  type Signed,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import { type Chain, inChunks, proposalFrom, type TypedData } from '@pontage/shared/node'
import type { Offer, Standing } from '../core/choose.js'

/** Role bits of the registry that discovery asks about. */
type Role = 'provider' | 'hub' | 'consumer'
const roleBit: Record<Role, number> = { consumer: 1, provider: 2, hub: 4 }

/**
 * Every standing offer on chain: the latest proposal of each provider whose signature holds, with the
 * provider's standing and the price in force. Needs nothing but the chain.
 */
export async function readOffers(chain: Chain, typedData: TypedData): Promise<Offer[]> {
  const proposals = [...(await latestProposals(chain, typedData)).values()]
  if (proposals.length === 0) return []
  const providers = proposals.map(({ provider }) => provider)
  const [standings, prices] = await Promise.all([
    readStandings(chain, providers, 'provider'),
    Promise.all(providers.map((provider) => chain.marketplace.offerOf(provider))),
  ])
  return proposals.flatMap((proposal, index) => {
    const standing = standings[index]
    const offer = prices[index]
    // Withdrawn, or replaced by one we have not seen yet.
    if (!standing || !offer?.live || Number(offer.issuedAt) !== proposal.issuedAt) return []
    const price = {
      perMegabyte: weiPerMegabyte(offer.pricePerMegabyte),
      perHour: weiPerHour(offer.pricePerHour),
    }
    return [{ proposal, price, standing }]
  })
}

/** Standing of many identities in one role, in their order. */
export async function readStandings(
  chain: Chain,
  identities: readonly Address[],
  role: Role,
): Promise<(Standing & { url: string; nonce: bigint })[]> {
  if (identities.length === 0) return []
  const standings = await chain.registry.standingsOf([...identities])
  return standings.map((standing) => ({
    active: (Number(standing.activeRoles) & roleBit[role]) !== 0,
    stake: wei(standing.stake),
    faults: Number(standing.faults),
    debt: wei(standing.debt),
    url: standing.url,
    nonce: standing.nonce,
  }))
}

async function latestProposals(
  chain: Chain,
  typedData: TypedData,
): Promise<Map<Address, Signed<'Proposal'>>> {
  const { marketplace, deployment, rpc } = chain
  const published = marketplace.getEvent('ProposalPublished').fragment.topicHash
  const withdrawn = marketplace.getEvent('ProposalWithdrawn').fragment.topicHash
  const { number: newest } = await chain.head()
  const logs = inChunks(deployment.fromBlock, newest, (fromBlock, toBlock) =>
    rpc.getLogs({ address: deployment.marketplace, topics: [[published, withdrawn]], fromBlock, toBlock }),
  )
  const latest = new Map<Address, Signed<'Proposal'>>()
  for await (const log of logs) {
    const event = marketplace.interface.parseLog(log)
    if (!event) continue
    const provider = address(event.args.provider)
    if (event.name === 'ProposalWithdrawn') {
      latest.delete(provider)
      continue
    }
    const proposal = {
      ...proposalFrom(event.args.proposal),
      signature: event.args.signature.toLowerCase() as Hex,
    }
    // An offer somebody else wrote is no offer.
    if (proposal.provider === provider && typedData.check('Proposal', proposal, provider).ok)
      latest.set(provider, proposal)
  }
  return latest
}
