import { type Wei, wei } from '@pontage/shared'
import type { Components } from './components.js'

const weiPerCoin = 10n ** 18n

/**
 * Asks the chain once what gas costs now.
 *
 * @returns What an amount of gas costs, in the token; nothing where the operator named no price of the coin.
 */
export async function gasCost({
  chain,
  settings,
}: Pick<Components, 'chain' | 'settings'>): Promise<(gas: bigint) => Wei> {
  const { coinPrice = 0n } = settings
  if (coinPrice === 0n) return () => wei(0n)
  const { gasPrice, maxFeePerGas } = await chain.rpc.getFeeData()
  const price = (gasPrice ?? maxFeePerGas ?? 0n) * coinPrice
  return (gas) => wei((gas * price + weiPerCoin - 1n) / weiPerCoin)
}
