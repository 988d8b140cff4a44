import { amountText, countOf, formatPrice, type TokenNames, type Wei } from '@pontage/shared'
import type { Offer } from '../../core/choose.js'

/** One provider in one line. */
export function offerLine({ proposal, price, standing }: Offer, token: TokenNames): string {
  const tokens = (amount: Wei) => amountText(amount, token)
  const faults = standing.faults === 0 ? 'no faults' : countOf(standing.faults, 'fault')
  const debt = standing.debt === 0n ? '' : `, debt ${tokens(standing.debt)}`
  return `${proposal.provider}  ${proposal.country}  ${formatPrice(price.perMegabyte, price.perHour, token)}  stake ${tokens(standing.stake)}, ${faults}${debt}`
}
