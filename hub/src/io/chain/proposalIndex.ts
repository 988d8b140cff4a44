import { type Address, address, bytes32, type Hex, printable, wei } from '@pontage/shared'
import {
  type Block,
  type Chain,
  inChunks,
  type Log,
  pricesFrom,
  proposalFrom,
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

/** Identities whose standing is asked for in one call. */
const standingsInCall = 100

/** Kept in memory only: the chain has it all, and the index can be read again at any time. */
export function createProposalIndex(options: {
  chain: Chain
  typedData: TypedData
  log: Log
}): ProposalIndex {
  const { chain, typedData, log } = options
  const { marketplace, registry, deployment, rpc } = chain
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
    const entries: Entry[] = []
    for (let start = 0; start < all.length; start += standingsInCall) {
      const some = all.slice(start, start + standingsInCall)
      const standings = await registry.standingsOf(
        some.map(({ proposal }) => proposal.provider),
        { blockTag: block.number },
      )
      for (const [index, offer] of some.entries()) {
        const standing = standings[index]
        if (!standing) throw new Error(`The RPC omitted the standing of ${offer.proposal.provider}.`)
        const inForce =
          offer.effectiveAt > block.at ? await pricesOf(offer.proposal.provider, block) : undefined
        entries.push({ ...offer, standing: standingFrom(standing), ...(inForce ? { inForce } : {}) })
      }
    }
    return entries
  }

  async function pricesOf(provider: Address, block: Block): Promise<NonNullable<Entry['inForce']>> {
    return pricesFrom(await marketplace.offerOf(provider, { blockTag: block.number }))
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

/** Where the income of these identities goes, at a block. */
export async function readBeneficiaries(
  { registry }: Chain,
  identities: readonly Address[],
  { number }: Block,
): Promise<Map<Address, Address>> {
  const found = new Map<Address, Address>()
  for (let start = 0; start < identities.length; start += standingsInCall) {
    const some = identities.slice(start, start + standingsInCall)
    const standings = await registry.standingsOf([...some], { blockTag: number })
    for (const [index, identity] of some.entries())
      found.set(identity, address(standings[index]?.beneficiary ?? identity))
  }
  return found
}

type EventLog = Awaited<ReturnType<Chain['rpc']['getLogs']>>[number]

const shortReason = (error: unknown): string => printable((error as Error).message).slice(0, 200)

type RawStanding = Awaited<ReturnType<Chain['registry']['standingOf']>>

const standingFrom = (raw: RawStanding): ProviderStanding => ({
  activeRoles: Number(raw.activeRoles),
  stake: wei(raw.stake),
  unbonding: wei(raw.unbonding),
  faults: Number(raw.faults),
  debt: wei(raw.debt),
  registeredAt: Number(raw.registeredAt),
  beneficiary: address(raw.beneficiary),
})
