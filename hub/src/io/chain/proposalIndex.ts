import { join } from 'node:path'
import { type Address, address, bytes32, type Hex, printable } from '@pontage/shared'
import {
  type Block,
  type Chain,
  type KeptLog,
  type Log,
  openLogCache,
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

/**
 * @param options.home - Folder in which what was read of the chain is kept over restarts; in memory only when left out.
 */
export function createProposalIndex(options: {
  chain: Chain
  typedData: TypedData
  home?: string | undefined
  log: Log
}): ProposalIndex {
  const { chain, typedData, home, log } = options
  const { marketplace, deployment, rpc } = chain
  const topics = [
    marketplace.getEvent('ProposalPublished').fragment.topicHash,
    marketplace.getEvent('ProposalWithdrawn').fragment.topicHash,
  ]
  const events = openLogCache({
    ...{ chain, query: { contract: deployment.marketplace, topics: [topics] } },
    path: home === undefined ? undefined : join(home, 'cache', 'offers.json'),
    progress: (block, of) => log.info('reading the market', { block, of }),
  })
  /** What each event was read as; undefined where it is no offer. */
  let read = new Map<KeptLog, Offer | undefined>()
  let listing: Listing | undefined

  async function catchUp(): Promise<void> {
    const target = await chain.confirmed()
    const before = listing?.block
    if (before && (before.hash === target.hash || target.number < before.number)) return
    const newest = [...(await events.upTo(target)).values()]
    read = new Map(newest.map((event) => [event, read.has(event) ? read.get(event) : offerIn(event)]))
    const offers = [...read.values()].filter((offer) => offer !== undefined)
    const entries = await withStanding(offers, target)
    const isStill = (await rpc.getBlock(target.number))?.hash === target.hash
    if (!isStill) return // It was replaced while being read; the next look takes the new one.
    listing = { block: target, entries: listed(entries) }
  }

  /** What a provider's newest event offers; undefined when it withdraws, or nobody can read it. */
  function offerIn(entry: KeptLog): Offer | undefined {
    try {
      return readOffer(entry)
    } catch (error) {
      // Anybody may publish bytes that nobody can read: they are no offer, and nobody else's matter.
      log.debug('passed over an offer', { transaction: entry.transactionHash, reason: shortReason(error) })
      return undefined
    }
  }

  /** @throws Error when what stands there cannot be read. */
  function readOffer(entry: KeptLog): Offer | undefined {
    const event = marketplace.interface.parseLog({ topics: [...entry.topics], data: entry.data })
    if (!event || event.name === 'ProposalWithdrawn') return undefined
    const provider = address(event.args.provider)
    const signature = event.args.signature.toLowerCase() as Hex
    const proposal = { ...proposalFrom(event.args.proposal), signature }
    // What a client could not check by itself is not passed on.
    if (proposal.provider !== provider || !typedData.check('Proposal', proposal, provider).ok)
      return undefined
    return {
      proposal,
      effectiveAt: Number(event.args.effectiveAt),
      published: {
        blockNumber: entry.blockNumber,
        blockHash: bytes32(entry.blockHash),
        transaction: bytes32(entry.transactionHash),
        logIndex: entry.index,
      },
    }
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

const shortReason = (error: unknown): string => printable((error as Error).message).slice(0, 200)
