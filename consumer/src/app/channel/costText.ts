import { inTokens } from '@pontage/shared/node'
import type { Context } from '../context.js'
import type { OpeningCost } from './openChannel.js'

/** What opening a channel locks and costs. */
export function costText(
  { chain }: Pick<Context, 'chain'>,
  { amount, stake, registerFee, openFee }: OpeningCost,
): string {
  const parts = [`Deposit ${inTokens(chain, amount)}`]
  if (registerFee > 0n || stake > 0n)
    parts.push(
      `stake ${inTokens(chain, stake)} (returned when you unbond it)`,
      `registration fee ${inTokens(chain, registerFee)}`,
    )
  parts.push(`opening fee ${inTokens(chain, openFee)}`)
  return `${parts.join(', ')}.`
}
