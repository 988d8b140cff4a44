import { type Address, encodeMessage, isActive, type Result, refuse, type Verdict } from '@pontage/shared'
import { type Asked, type Entry, pageOf } from '../../core/listing.js'
import { type Concentration, concentration, shownQuality } from '../../core/market.js'
import type { Quality } from '../../core/receipts.js'
import { type Listing, type ProposalIndex, readBeneficiaries } from '../../io/chain/proposalIndex.js'
import type { Components } from '../components.js'

/** The offers on chain, with what consumers say of those who make them. */
export interface Market {
  proposals(asked: Asked): Promise<Verdict<{ value: Result<'proposals'> }>>
  concentration(): Promise<Verdict<{ value: Result<'market'> }>>
}

/** Milliseconds that sums over receipts are shown before they are read again. */
const qualitiesLastMs = 2_000
/** A page fits into one frame with room for the rest of the answer. */
const maxPageBytes = 200_000

interface Snapshot {
  readonly listing: Listing
  readonly takenAtMs: number
  readonly qualities: ReadonlyMap<Address, Quality>
  readonly concentration: Concentration
}

export function createMarket({ ledger, clock, chain }: Components, index: ProposalIndex): Market {
  let last: Snapshot | undefined
  let taking: Promise<Snapshot> | undefined

  async function take(listing: Listing): Promise<Snapshot> {
    const all = await ledger.qualities()
    const beneficiaries = new Map(
      listing.entries.map(({ proposal, standing }) => [proposal.provider, standing.beneficiary]),
    )
    // Who was paid and has no offer now is asked for apart.
    const others = all.flatMap(({ provider, paid }) =>
      paid > 0n && !beneficiaries.has(provider) ? [provider] : [],
    )
    for (const [provider, beneficiary] of await readBeneficiaries(chain, others, listing.block))
      beneficiaries.set(provider, beneficiary)
    return {
      listing,
      takenAtMs: clock.elapsedMs(),
      qualities: new Map(all.map((quality) => [quality.provider, quality])),
      concentration: concentration(all, (provider) => beneficiaries.get(provider) ?? provider),
    }
  }

  async function snapshot(): Promise<Snapshot | undefined> {
    const listing = index.listing()
    if (!listing) return undefined
    if (last && last.listing === listing && clock.elapsedMs() - last.takenAtMs < qualitiesLastMs) return last
    taking ??= take(listing).finally(() => {
      taking = undefined
    })
    last = await taking
    return last
  }

  return {
    async proposals(asked) {
      const now = await snapshot()
      if (!now) return refuse({ code: 'index-not-ready' })
      const { page, next } = pageOf(
        now.listing.entries,
        asked,
        (entry) => shown(entry, now.qualities.get(entry.proposal.provider)),
        (each) => Buffer.byteLength(encodeMessage(each)),
        maxPageBytes,
      )
      return { ok: true, value: { block: now.listing.block, proposals: page, next } }
    },
    async concentration() {
      const now = await snapshot()
      if (!now) return refuse({ code: 'index-not-ready' })
      const { block, entries } = now.listing
      return { ok: true, value: { block, offers: entries.length, ...now.concentration } }
    },
  }
}

type Shown = Result<'proposals'>['proposals'][number]

const shown = (entry: Entry, quality: Quality | undefined): Shown => {
  const { proposal, effectiveAt, inForce, published, standing } = entry
  const { activeRoles, ...rest } = standing
  return {
    proposal: { ...proposal, hubs: [...proposal.hubs] },
    effectiveAt,
    ...(inForce ? { inForce: inForce as Shown['inForce'] } : {}),
    published,
    standing: { ...rest, active: isActive({ activeRoles }, 'provider') },
    quality: shownQuality(quality),
  }
}
