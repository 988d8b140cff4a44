import type { Address, Result } from '@pontage/shared'
import { wei } from '@pontage/shared'
import type { Quality } from './receipts.js'

/** What a provider's receipts say in all, as it is shown; null where nothing is known. */
export type ShownQuality = Result<'proposals'>['proposals'][number]['quality']

/** Averages over what was paid, so that what cost nothing says nothing. */
export function shownQuality(quality: Quality | undefined): ShownQuality {
  if (!quality || quality.paid === 0n)
    return { sessions: quality?.sessions ?? 0, paid: wei(0n), throughputKbps: null, score: null }
  const { sessions, paid, throughputSum, ratedPaid, scoreSum } = quality
  return {
    sessions,
    paid,
    throughputKbps: Number(throughputSum / paid),
    score: ratedPaid === 0n ? null : ratio(scoreSum, ratedPaid),
  }
}

/** Who takes how much of what is paid for traffic. */
export type Concentration = Pick<
  Result<'market'>,
  'paid' | 'sessions' | 'sellers' | 'herfindahl' | 'beneficiaries'
>

/** Beneficiaries named; the sums are over all. */
const namedBeneficiaries = 100

/**
 * The market's concentration. Providers that pay into the same pocket count as one: whoever runs ten is no market.
 *
 * @returns `herfindahl`: Σ share², from 1/n for n equal sellers to 1 for a monopoly; 0 while nothing was paid.
 */
export function concentration(
  qualities: readonly Quality[],
  beneficiaryOf: (provider: Address) => Address,
): Concentration {
  const sellers = new Map<Address, { paid: bigint; providers: number }>()
  let paid = 0n
  let sessions = 0
  for (const quality of qualities) {
    if (quality.paid === 0n) continue
    const beneficiary = beneficiaryOf(quality.provider)
    const before = sellers.get(beneficiary) ?? { paid: 0n, providers: 0 }
    sellers.set(beneficiary, { paid: before.paid + quality.paid, providers: before.providers + 1 })
    paid += quality.paid
    sessions += quality.sessions
  }
  const squares = [...sellers.values()].reduce((sum, seller) => sum + seller.paid ** 2n, 0n)
  const beneficiaries = [...sellers]
    .map(([beneficiary, seller]) => ({
      beneficiary,
      providers: seller.providers,
      paid: wei(seller.paid),
      share: ratio(seller.paid, paid),
    }))
    .sort((a, b) => (a.paid === b.paid ? (a.beneficiary < b.beneficiary ? -1 : 1) : a.paid > b.paid ? -1 : 1))
    .slice(0, namedBeneficiaries)
  const herfindahl = paid === 0n ? 0 : ratio(squares, paid ** 2n)
  return { paid: wei(paid), sessions, sellers: sellers.size, herfindahl, beneficiaries }
}

/** To six decimals. */
const ratio = (part: bigint, whole: bigint): number => Number((part * 1_000_000n) / whole) / 1_000_000
