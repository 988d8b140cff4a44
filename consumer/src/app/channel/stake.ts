import { type Wei, wholeStake } from '@pontage/shared'
import {
  approveAtLeast,
  createSender,
  inTokens,
  readStanding,
  type Sent,
  UserError,
} from '@pontage/shared/node'
import { inWords } from '../../core/leaving.js'
import { readChannels } from '../../io/chain/channelReader.js'
import type { Context } from '../context.js'

/** Adds to the stake. @throws UserError without tokens or without coin for gas */
export async function addStake(context: Context, amount: Wei): Promise<Sent> {
  const { chain, identity } = context
  const sender = createSender(chain, identity)
  await approveAtLeast(chain, sender, identity.address, chain.deployment.registry, amount)
  return sender.send(chain.registry.addStake.populateTransaction(identity.address, amount))
}

/**
 * Begins to take stake out: all of it ends the consumer's role, a part has to leave the minimum.
 *
 * @param amount - Everything when left out.
 * @throws UserError when too much was named, or channels are still open.
 */
export async function unbond(context: Context, amount: Wei | undefined): Promise<Sent> {
  const { chain, identity, home } = context
  const { stake, roles } = await readStanding(chain, identity.address)
  const taken = amount ?? stake
  const shown = (each: bigint) => inTokens(chain, each)
  if (taken === 0n || taken > stake)
    throw new UserError(`The stake is ${shown(stake)}, so ${shown(taken)} cannot be unbonded.`)
  const rest = stake - taken
  const minimum = await chain.registry.minimumStake(roles)
  if (rest > 0n && rest < minimum)
    throw new UserError(
      `${shown(rest)} would be left, but a consumer needs ${shown(minimum)}. Unbond less, or everything.`,
    )
  const open = (await readChannels(home, chain, identity.address)).filter(({ status }) => status === 'open')
  if (rest === 0n && open.length > 0)
    throw new UserError(
      `${open.length} channel(s) are open, and nobody serves you without a stake. Close them first: "pontage channel close".`,
    )
  return createSender(chain, identity).send(
    chain.registry.requestUnbonding.populateTransaction(rest === 0n ? wholeStake : taken),
  )
}

/** Puts what is unbonding back. @throws UserError when nothing is */
export async function cancelUnbonding({ chain, identity }: Context): Promise<Sent> {
  if ((await readStanding(chain, identity.address)).unbonding === 0n) throw nothingUnbonding()
  return createSender(chain, identity).send(chain.registry.cancelUnbonding.populateTransaction())
}

/** Takes out what has unbonded. @throws UserError before its time, or while a debt stands */
export async function withdrawStake({ chain, identity }: Context): Promise<Sent> {
  const [{ unbonding, unbondsAt, debt }, { at: now }] = await Promise.all([
    readStanding(chain, identity.address),
    chain.head(),
  ])
  if (unbonding === 0n) throw nothingUnbonding()
  if (now < unbondsAt)
    throw new UserError(`The stake is still unbonding: withdraw it in ${inWords(unbondsAt - now)}.`)
  if (debt > 0n)
    throw new UserError('The stake is locked until your debt is repaid. Run "pontage debt" to see it.')
  return createSender(chain, identity).send(chain.registry.withdrawStake.populateTransaction())
}

const nothingUnbonding = () => new UserError('No stake is unbonding. Start with "pontage unbond".')
