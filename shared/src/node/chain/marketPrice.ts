import type { Chain } from './chain.js'
import { capped, type GasPrice } from './gasPrice.js'

/** Tip where the node names none: 1 gwei. */
const usualTip = 10n ** 9n

/**
 * What a transaction has to offer now: twice the base fee, which is also a base fee where it is zero, and a tip.
 *
 * @throws Error on a chain without base fee.
 */
export async function marketPrice(chain: Pick<Chain, 'rpc' | 'maxFeePerGas'>): Promise<GasPrice> {
  const [block, tip] = await Promise.all([
    chain.rpc.getBlock('latest'),
    chain.rpc.send('eth_maxPriorityFeePerGas', []).then(BigInt, () => usualTip),
  ])
  if (block?.baseFeePerGas === undefined || block.baseFeePerGas === null)
    throw new Error('The chain has no base fee (EIP-1559), which its transactions need.')
  return capped(
    { maxFeePerGas: 2n * block.baseFeePerGas + tip, maxPriorityFeePerGas: tip },
    chain.maxFeePerGas,
  )
}
