import type { Fiat, TokenNames } from '../../quantity.js'
import { UserError } from '../program/userError.js'

let shown: Fiat | undefined

/** Settings of every command: beside what currency amounts are shown. */
export const fiatFlags = {
  fiat: {
    type: 'string',
    requiresArg: true,
    describe: 'Show amounts in this currency as well, such as EUR; needs --fiat-rate',
  },
  'fiat-rate': {
    type: 'string',
    requiresArg: true,
    describe: 'What one token is worth in that currency, such as 0.92',
  },
} as const

/** Shows amounts in a currency as well, for the rest of this run; in none where nothing is given. @throws UserError */
export function showFiat(currency: unknown, rate: unknown): void {
  shown = undefined
  if (currency === undefined && rate === undefined) return
  if (currency === undefined || rate === undefined)
    throw new UserError('--fiat and --fiat-rate go together: a currency, and what one token is worth in it.')
  if (!/^[A-Za-z]{3}$/.test(`${currency}`))
    throw new UserError(`--fiat is "${currency}": expected the three letters of a currency, such as EUR.`)
  if (!/^\d{1,12}(\.\d{1,12})?$/.test(`${rate}`) || Number(rate) === 0)
    throw new UserError(`--fiat-rate is "${rate}": expected what one token is worth, such as 0.92.`)
  shown = { currency: `${currency}`.toUpperCase(), rate: `${rate}` }
}

/** A token as people are to see it: with the currency, where one is set. */
export const withFiat = ({ decimals, symbol }: TokenNames): TokenNames =>
  shown === undefined ? { decimals, symbol } : { decimals, symbol, fiat: shown }
