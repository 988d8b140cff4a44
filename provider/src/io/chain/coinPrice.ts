import { type Address, type Wei, wei } from '@pontage/shared'
import { type Chain, UserError } from '@pontage/shared/node'
import { Contract } from 'ethers'

/** Where the price of the chain's coin comes from: a fixed rate, or a feed on chain; undefined: it is not known. */
export type CoinPriceSource = { readonly weiPerCoin: Wei } | { readonly feed: Address } | undefined

/** A feed that said nothing for so long is not asked any more, in seconds. */
const staleSeconds = 86_400

const feedAbi = [
  'function decimals() view returns (uint8)',
  'function latestRoundData() view returns (uint80, int256, uint256, uint256, uint80)',
]

/**
 * What one coin of the chain is worth, in the smallest unit of the token; undefined where nobody says.
 *
 * @throws UserError when a feed does not answer, is stale or says nothing sensible.
 */
export async function readCoinPrice(chain: Chain, source: CoinPriceSource): Promise<Wei | undefined> {
  if (source === undefined) return undefined
  if ('weiPerCoin' in source) return source.weiPerCoin
  const feed = new Contract(source.feed, feedAbi, chain.rpc)
  const [decimals, round, head] = await Promise.all([
    feed
      .getFunction('decimals')()
      .catch(() => undefined),
    feed
      .getFunction('latestRoundData')()
      .catch(() => undefined),
    chain.head(),
  ])
  if (decimals === undefined || round === undefined)
    throw new UserError(`${source.feed} does not answer like a price feed. Check --coin-price.`)
  const [, answer, , updatedAt] = round as readonly bigint[]
  if (answer === undefined || updatedAt === undefined || answer <= 0n)
    throw new UserError(
      `The price feed ${source.feed} says ${answer}, which is not a price. Check --coin-price.`,
    )
  if (head.at - Number(updatedAt) > staleSeconds)
    throw new UserError(
      `The price feed ${source.feed} has not been updated since ${updatedAt}. Check --coin-price, or give a fixed price.`,
    )
  return wei((answer * 10n ** BigInt(chain.tokenDecimals)) / 10n ** BigInt(Number(decimals)))
}
