import { type Address, address, parseTokens, type Wei } from '@pontage/shared'
import { type Chain, type Given, UserError } from '@pontage/shared/node'
import type { Settings } from '../settings.js'

/** How what hubs owe becomes tokens, and how far they are trusted until then. */
export const redeemFlags = {
  'auto-redeem': { type: 'boolean', default: false, describe: 'Redeem on chain automatically' },
  'redeem-above': { type: 'string', default: '1', describe: 'Redeem when this many tokens are due' },
  'redeem-every': {
    type: 'string',
    default: 'none',
    describe:
      'Also redeem smaller amounts when this time has passed since the last redemption, such as 24h or 7d',
  },
  'max-gas-share': {
    type: 'string',
    default: '5%',
    describe: 'Largest share of a redemption that gas may cost; needs --coin-price',
  },
  'coin-price': {
    type: 'string',
    describe: 'Price of one of the chain’s coin in tokens, or the address of a price feed',
  },
  exposure: {
    type: 'string',
    array: true,
    default: ['10'],
    describe: 'Most tokens that a hub may owe undrawn; HUB=AMOUNT for one hub; can be repeated',
  },
} as const

/** @throws UserError or RangeError naming the setting that is wrong. */
export function readRedeemSettings(
  given: Given<typeof redeemFlags>,
  { tokenDecimals }: Pick<Chain, 'tokenDecimals'>,
): Pick<Settings, 'redeem' | 'coinPrice' | 'exposure'> {
  const tokens = (text: string): Wei => parseTokens(text, tokenDecimals)
  return {
    redeem: {
      auto: given.autoRedeem,
      above: tokens(String(given.redeemAbove)),
      everySeconds: readDuration(String(given.redeemEvery)),
      maxGasShareBps: readShare(String(given.maxGasShare)),
    },
    coinPrice: readCoin(given.coinPrice, tokens),
    exposure: readExposure(given.exposure.map(String), tokens),
  }
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

function readDuration(text: string): number | undefined {
  if (text === 'none') return undefined
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})(s|m|h|d)$/.exec(text) ?? []
  const seconds = Number(count) * (secondsOf[unit] ?? 0)
  if (seconds > 0) return seconds
  throw new UserError(`--redeem-every ${text}: expected a time such as 24h or 7d, or none.`)
}

function readShare(text: string): number {
  const [, number = ''] = /^(\d{1,3}(?:\.\d{1,2})?)\s*%$/.exec(text) ?? []
  const bps = Math.round(Number(number) * 100)
  if (number !== '' && bps <= 10_000) return bps
  throw new UserError(`--max-gas-share ${text}: expected a share such as 5%.`)
}

function readCoin(text: string | undefined, tokens: (text: string) => Wei): Settings['coinPrice'] {
  if (text === undefined) return undefined
  return /^0x/i.test(text) ? { feed: address(text) } : { weiPerCoin: tokens(String(text)) }
}

function readExposure(texts: readonly string[], tokens: (text: string) => Wei): Settings['exposure'] {
  const of = new Map<Address, Wei>()
  let each: Wei | undefined
  for (const text of texts) {
    const [hub = '', amount] = text.split('=')
    if (amount === undefined) each = tokens(text)
    else of.set(address(hub), tokens(amount))
  }
  return { each: each ?? tokens(defaultExposure), of }
}

const [defaultExposure] = redeemFlags.exposure.default
