import { type Result, type Wei, wei } from '@pontage/shared'
import type { Components } from '../components.js'

/** Gas that relaying a paper takes, as far as it can be said before the paper is there. */
const usualGas = { register: 300_000n, open: 280_000n, exit: 120_000n } as const
/** Gas that ending a channel takes: it is paid by the fee that was signed with the exit. */
export const finishGas = 130_000n
const weiPerCoin = 10n ** 18n

type Priced = Pick<Components, 'chain' | 'settings'>

/** What so much gas costs now, in the token; nothing where its operator named no price of the coin. */
export async function costOf({ chain, settings }: Priced, gas: bigint): Promise<Wei> {
  const { coinPrice = 0n } = settings
  if (coinPrice === 0n) return wei(0n)
  const { gasPrice, maxFeePerGas } = await chain.rpc.getFeeData()
  const cost = gas * (gasPrice ?? maxFeePerGas ?? 0n) * coinPrice
  return wei((cost + weiPerCoin - 1n) / weiPerCoin)
}

/** Fees that a consumer is to sign: what the operator asks, and at least the gas, with a quarter for what may come. */
export async function quoteRelays(components: Priced): Promise<Result<'describe'>['relayFees']> {
  const quote = async (gas: bigint): Promise<Wei> => {
    const cost = await costOf(components, (gas * 5n) / 4n)
    return cost > components.settings.relayFee ? cost : components.settings.relayFee
  }
  const [register, open, exit] = await Promise.all([
    quote(usualGas.register),
    quote(usualGas.open),
    quote(usualGas.exit + finishGas),
  ])
  return { register, open, exit }
}
