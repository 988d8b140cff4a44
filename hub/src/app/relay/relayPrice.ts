import { larger, type Result, type Wei } from '@pontage/shared'
import type { Components } from '../components.js'
import { gasCost } from '../gasCost.js'

/** Gas that relaying a document takes, as far as it can be said before the document is there. */
const typicalGas = {
  register: 300_000n,
  open: 280_000n,
  exit: 120_000n,
  deposit: 200_000n,
  repay: 280_000n,
  unbond: 180_000n,
  withdraw: 140_000n,
  collect: 130_000n,
} as const
/** Gas that ending a channel takes: it is paid by the fee that was signed with the exit. */
export const finishGas = 130_000n

/** What is asked where the chain cannot say what gas costs: the same for everything. */
export const sameForAll = (fee: Wei): Result<'describe'>['relayFees'] =>
  Object.fromEntries(Object.keys(typicalGas).map((kind) => [kind, fee])) as Result<'describe'>['relayFees']

/** Fees that a consumer is to sign: what the operator asks, and at least the gas, with a quarter for what may come. */
export async function quoteRelays(
  components: Pick<Components, 'chain' | 'settings'>,
): Promise<Result<'describe'>['relayFees']> {
  const costOf = await gasCost(components)
  const quote = (gas: bigint): Wei => larger(costOf((gas * 5n) / 4n), components.settings.relayFee)
  const quotes = Object.entries(typicalGas).map(([kind, gas]) => [
    kind,
    quote(kind === 'exit' ? gas + finishGas : gas),
  ])
  return Object.fromEntries(quotes) as Result<'describe'>['relayFees']
}
