import { type Address, address, bytes32, type Hex, printable } from '@pontage/shared'
import {
  type Block,
  type Chain,
  inChunks,
  type Log,
  proposalFrom,
  readOffer as readOfferOnChain,
  readStandings,
  type StandingOnChain,
  type TypedData,
} from '@pontage/shared/node'
import { type Entry, listed, type Offer, type ProviderStanding } from '../../core/listing.js'
import { pause } from '../pause.js'

/** The offers on chain, as of one confirmed block. */
export interface Listing {
  readonly block: Block
  readonly entries: readonly Entry[]
}

/** Follows the market, a fixed number of blocks behind the head. */
export interface ProposalIndex {
  /** Undefined until the chain was read to the end for the first time. */
  listing(): Listing | undefined
  /** Follows up to the confirmed block of this moment. */
  catchUp(): Promise<void>
  run(pollMs: number, signal: AbortSignal): Promise<void>
}

/** Kept in memory only: the chain has it all, and the index can be read again at any time. */
export function createProposalIndex(options: {
  chain: Chain
  typedData: TypedData
  log: Log
}): ProposalIndex {
  const { chain, typedData, log } = options
  const { marketplace, deployment, rpc } = chain
  const topics = [
    marketplace.getEvent('ProposalPublished').fragment.topicHash,
    marketplace.getEvent('ProposalWithdrawn').fragment.topicHash,
  ]
  let offers = new Map<Address, Offer>()
  let listing: Listing | undefined

  async function catchUp(): Promise<void> {
    const target = await chain.confirmed()
    const before = listing?.block
    if (before && (before.hash === target.hash || target.number < before.number)) return
    const intact = before !== undefined && (await stillThere(before))
    const from = intact ? before.number + 1 : deployment.fromBlock
    // A copy: what fails half-way must not leave half of it behind.
    const next = new Map(intact ? offers : [])
    await readOffers(next, from, target.number)
    const entries = await withStanding([...next.values()], target)
    if (!(await stillThere(target))) return // It was replaced while being read; the next look takes the new one.
    offers = next
    listing = { block: target, entries: listed(entries) }
  }

  async function stillThere(block: Block): Promise<boolean> {
    return (await rpc.getBlock(block.number))?.hash === block.hash
  }

  async function readOffers(into: Map<Address, Offer>, from: number, to: number): Promise<void> {
    const logs = inChunks(from, to, (fromBlock, toBlock) =>
      rpc.getLogs({ address: deployment.marketplace, topics: [topics], fromBlock, toBlock }),
    )
    for await (const entry of logs)
      try {
        readOffer(into, entry)
      } catch (error) {
        // Anybody may publish bytes that nobody can read: they are no offer, and nobody else's matter.
        log.debug('passed over an offer', { transaction: entry.transactionHash, reason: shortReason(error) })
      }
  }

  /** @throws Error when what stands there cannot be read. */
  function readOffer(into: Map<Address, Offer>, entry: EventLog): void {
    const event = marketplace.interface.parseLog(entry)
    if (!event) return
    const provider = address(event.args.provider)
    // Whatever it published, it no longer stands by what it had published before.
    into.delete(provider)
    if (event.name === 'ProposalWithdrawn') return
    const signature = event.args.signature.toLowerCase() as Hex
    const proposal = { ...proposalFrom(event.args.proposal), signature }
    // What a client could not check by itself is not passed on.
    if (proposal.provider !== provider || !typedData.check('Proposal', proposal, provider).ok) return
    into.set(provider, {
      proposal,
      effectiveAt: Number(event.args.effectiveAt),
      published: {
        blockNumber: entry.blockNumber,
        blockHash: bytes32(entry.blockHash),
        transaction: bytes32(entry.transactionHash),
        logIndex: entry.index,
      },
    })
  }

  async function withStanding(all: readonly Offer[], block: Block): Promise<Entry[]> {
    const providers = all.map(({ proposal }) => proposal.provider)
    const standings = await readStandings(chain, providers, block.number)
    const entries: Entry[] = []
    for (const [index, offer] of all.entries()) {
      const standing = shownOf(standings[index] as StandingOnChain)
      const isWaiting = offer.effectiveAt > block.at
      const inForce = isWaiting ? { inForce: await pricesOf(offer.proposal.provider, block) } : {}
      entries.push({ ...offer, standing, ...inForce })
    }
    return entries
  }

  async function pricesOf(provider: Address, { number }: Block): Promise<NonNullable<Entry['inForce']>> {
    const { pricePerMegabyte, pricePerHour } = await readOfferOnChain(chain, provider, number)
    return { pricePerMegabyte, pricePerHour }
  }

  return {
    listing: () => listing,
    catchUp,
    async run(pollMs, signal) {
      for (; !signal.aborted; await pause(pollMs, signal))
        await catchUp().catch((error) =>
          log.warn('proposals not readable', { reason: (error as Error).message.slice(0, 200) }),
        )
    },
  }
}

/** What of a provider's standing is listed. */
const shownOf = ({
  activeRoles,
  stake,
  unbonding,
  faults,
  debt,
  ...rest
}: StandingOnChain): ProviderStanding => ({
  ...{ activeRoles, stake, unbonding, faults, debt },
  ...{ registeredAt: rest.registeredAt, beneficiary: rest.beneficiary },
})

/** Where the income of these identities goes, at a block. */
export async function readBeneficiaries(
  chain: Chain,
  identities: readonly Address[],
  { number }: Block,
): Promise<Map<Address, Address>> {
  const standings = await readStandings(chain, identities, number)
  return new Map(identities.map((identity, index) => [identity, standings[index]?.beneficiary ?? identity]))
}

type EventLog = Awaited<ReturnType<Chain['rpc']['getLogs']>>[number]

const shortReason = (error: unknown): string => printable((error as Error).message).slice(0, 200)
