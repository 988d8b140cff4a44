import { type Wei, wei } from '@pontage/shared'
import type { Components } from './components.js'

const weiPerCoin = 10n ** 18n

/** What so much gas costs now, in the token; nothing where its operator named no price of the coin. */
export async function costOf(
  { chain, settings }: Pick<Components, 'chain' | 'settings'>,
  gas: bigint,
): Promise<Wei> {
  const { coinPrice = 0n } = settings
  if (coinPrice === 0n) return wei(0n)
  const { gasPrice, maxFeePerGas } = await chain.rpc.getFeeData()
  const cost = gas * (gasPrice ?? maxFeePerGas ?? 0n) * coinPrice
  return wei((cost + weiPerCoin - 1n) / weiPerCoin)
}
