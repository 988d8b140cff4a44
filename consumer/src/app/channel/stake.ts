import { countOf, roles, type Wei, wei, wholeStake } from '@pontage/shared'
import { approveAtLeast, createSender, inTokens, readStanding, UserError } from '@pontage/shared/node'
import { inWords } from '../../core/leaving.js'
import { readChannels } from '../../io/chain/channelReader.js'
import type { Context } from '../context.js'
import { type RelayWishes, relayTimeoutMs, type SentFor, sendOrRelay } from '../hub/relayed.js'

/**
 * Adds to the stake. Without coin for gas, as a registration for no new role, which a hub sends.
 *
 * @throws UserError without tokens, or when nobody sends it
 */
export async function addStake(context: Context, amount: Wei, wishes: RelayWishes): Promise<SentFor> {
  const { chain, identity, typedData } = context
  return sendOrRelay(
    context,
    wishes,
    async () => {
      const sender = createSender(chain, identity)
      await approveAtLeast(chain, sender, identity.address, chain.deployment.registry, amount)
      return sender.send(chain.registry.addStake.populateTransaction(identity.address, amount))
    },
    {
      ...{ kind: 'register', name: 'addition to the stake', spends: amount },
      ask: async (link, terms, permit) => {
        const { roles: held, beneficiary, url } = await readStanding(chain, identity.address)
        const document = {
          ...{ identity: identity.address, roles: held === 0 ? roles.consumer : 0 },
          ...{ stake: amount, beneficiary, url, ...terms },
        }
        const registration = typedData.signed('Registration', document, identity.privateKey)
        return link.request('relay-register', { registration, permit }, relayTimeoutMs)
      },
    },
  )
}

/**
 * Begins to take stake out: all of it ends the consumer's role, a part has to leave the minimum.
 *
 * @param amount - Everything when left out.
 * @throws UserError when too much was named, or channels are still open.
 */
export async function unbond(
  context: Context,
  amount: Wei | undefined,
  wishes: RelayWishes,
): Promise<SentFor> {
  const { chain, identity, home } = context
  const { stake, roles: held } = await readStanding(chain, identity.address)
  const taken = amount ?? stake
  const shown = (each: bigint) => inTokens(chain, each)
  if (taken === 0n || taken > stake)
    throw new UserError(`The stake is ${shown(stake)}, so ${shown(taken)} cannot be unbonded.`)
  const rest = stake - taken
  const minimum = await chain.registry.minimumStake(held)
  if (rest > 0n && rest < minimum)
    throw new UserError(
      `${shown(rest)} would be left, but a consumer needs ${shown(minimum)}. Unbond less, or everything.`,
    )
  const open = (await readChannels(home, chain, identity.address)).filter(({ status }) => status === 'open')
  if (rest === 0n && open.length > 0)
    throw new UserError(
      `${countOf(open.length, 'channel')} ${open.length === 1 ? 'is' : 'are'} open, and nobody serves you without a stake. Close them first: "pontage channel close".`,
    )
  const asked = wei(rest === 0n ? wholeStake : taken)
  return sendUnbonding(context, asked, wishes, () =>
    createSender(chain, identity).send(chain.registry.requestUnbonding.populateTransaction(asked)),
  )
}

/** Puts what is unbonding back. @throws UserError when nothing is */
export async function cancelUnbonding(context: Context, wishes: RelayWishes): Promise<SentFor> {
  const { chain, identity } = context
  if ((await readStanding(chain, identity.address)).unbonding === 0n) throw nothingUnbonding()
  return sendUnbonding(context, wei(0n), wishes, () =>
    createSender(chain, identity).send(chain.registry.cancelUnbonding.populateTransaction()),
  )
}

/** @param amount - Zero puts back what is unbonding. */
function sendUnbonding(
  context: Context,
  amount: Wei,
  wishes: RelayWishes,
  own: Parameters<typeof sendOrRelay>[2],
): Promise<SentFor> {
  const { identity, typedData } = context
  return sendOrRelay(context, wishes, own, {
    ...{ kind: 'unbond', name: 'unbonding', spends: wei(0n) },
    ask: (link, terms, permit) => {
      const document = { identity: identity.address, amount, ...terms }
      const unbonding = typedData.signed('Unbonding', document, identity.privateKey)
      return link.request('relay-unbond', { unbonding, permit }, relayTimeoutMs)
    },
  })
}

/** Takes out what has unbonded. @throws UserError before its time, or while a debt stands */
export async function withdrawStake(context: Context, wishes: RelayWishes): Promise<SentFor> {
  const { chain, identity, typedData } = context
  const [{ unbonding, unbondsAt, debt }, { at: now }] = await Promise.all([
    readStanding(chain, identity.address),
    chain.head(),
  ])
  if (unbonding === 0n) throw nothingUnbonding()
  if (now < unbondsAt)
    throw new UserError(`The stake is still unbonding: withdraw it in ${inWords(unbondsAt - now)}.`)
  if (debt > 0n)
    throw new UserError('The stake is locked until your debt is repaid. Run "pontage debt" to see it.')
  return sendOrRelay(
    context,
    wishes,
    () => createSender(chain, identity).send(chain.registry.withdrawStake.populateTransaction()),
    {
      ...{ kind: 'withdraw', name: 'withdrawal', spends: undefined },
      ask: (link, terms) => {
        const document = { identity: identity.address, ...terms }
        const withdrawal = typedData.signed('StakeWithdrawal', document, identity.privateKey)
        return link.request('relay-withdraw', { withdrawal }, relayTimeoutMs)
      },
    },
  )
}

const nothingUnbonding = () => new UserError('No stake is unbonding. Start with "pontage unbond".')
