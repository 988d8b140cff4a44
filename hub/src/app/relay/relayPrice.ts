import type { Result, Wei } from '@pontage/shared'
import type { Components } from '../components.js'
import { costOf } from '../gasCost.js'

/** Gas that relaying a document takes, as far as it can be said before the document is there. */
const typicalGas = { register: 300_000n, open: 280_000n, exit: 120_000n } as const
/** Gas that ending a channel takes: it is paid by the fee that was signed with the exit. */
export const finishGas = 130_000n

/** Fees that a consumer is to sign: what the operator asks, and at least the gas, with a quarter for what may come. */
export async function quoteRelays(
  components: Pick<Components, 'chain' | 'settings'>,
): Promise<Result<'describe'>['relayFees']> {
  const quote = async (gas: bigint): Promise<Wei> => {
    const cost = await costOf(components, (gas * 5n) / 4n)
    return cost > components.settings.relayFee ? cost : components.settings.relayFee
  }
  const [register, open, exit] = await Promise.all([
    quote(typicalGas.register),
    quote(typicalGas.open),
    quote(typicalGas.exit + finishGas),
  ])
  return { register, open, exit }
}
