import { parseTokens, roles, type Wei, wei } from '@pontage/shared'
import {
  approveAtLeast,
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { timeOf } from '../when.js'
import { withSender } from './open.js'

type Options = ChainOptions & KeyOptions & { action: string; amount: string | undefined; json: boolean }

/** Shows the stake, adds to it, or takes it out: announced first, withdrawn after the delay. */
export const stakeCommand: CommandModule<CommonOptions, Options> = {
  command: 'stake [action] [amount]',
  describe: 'Show the stake; add AMOUNT, unbond AMOUNT, cancel the unbonding, or withdraw what is unbonded',
  builder: {
    ...chainFlags,
    ...keyFlags,
    ...jsonFlag,
    action: {
      choices: ['show', 'add', 'unbond', 'cancel', 'withdraw'],
      default: 'show',
      describe: 'What to do',
    },
    amount: { type: 'string', describe: 'Tokens to add or to unbond' },
  } as never,
  handler: (options) => onChain(options, (chain) => stake(options, chain)),
}

async function stake(options: Options, chain: Chain): Promise<void> {
  const provider = await keystoreAddress(options.home)
  const { registry, deployment } = chain
  const transaction = await act()
  const { stake: held, unbonding, unbondsAt, faults, debt } = await registry.standingOf(provider)
  if (options.json)
    return printJson({
      ...{ provider, stake: held, unbonding, unbondsAt: Number(unbondsAt), faults: Number(faults), debt },
      ...(transaction === undefined ? {} : { transaction }),
    })
  const leaving =
    unbonding > 0n
      ? `, ${inTokens(chain, unbonding)} more is unbonding until ${timeOf(Number(unbondsAt))}`
      : ''
  const sent = transaction === undefined ? '' : ` (transaction ${transaction})`
  return printLines(`The stake is ${inTokens(chain, held)}${leaving}${sent}.`)

  async function act(): Promise<string | undefined> {
    switch (options.action) {
      case 'add': {
        const amount = amountOf(options, chain)
        return withSender(options, chain, async (sender) => {
          await approveAtLeast(chain, sender, provider, deployment.registry, amount)
          return (await sender.send(registry.addStake.populateTransaction(provider, amount))).transaction
        })
      }
      case 'unbond': {
        const amount = amountOf(options, chain)
        await checkUnbonding(chain, provider, amount)
        return send(() => registry.requestUnbonding.populateTransaction(amount))
      }
      case 'cancel':
        await demandUnbonding()
        return send(() => registry.cancelUnbonding.populateTransaction())
      case 'withdraw': {
        const until = await demandUnbonding()
        if ((await chain.head()).at < until)
          throw new UserError(`The stake is unbonding until ${timeOf(until)}. Withdraw it after that.`)
        return send(() => registry.withdrawStake.populateTransaction())
      }
      default:
        return undefined
    }
  }

  function send(call: () => ReturnType<typeof registry.withdrawStake.populateTransaction>): Promise<string> {
    return withSender(options, chain, async (sender) => (await sender.send(call())).transaction)
  }

  async function demandUnbonding(): Promise<number> {
    const { unbonding: amount, unbondsAt: until } = await registry.standingOf(provider)
    if (amount === 0n)
      throw new UserError('No stake is unbonding. Begin with pontage-provider stake unbond AMOUNT.')
    return Number(until)
  }
}

function amountOf({ action, amount }: Options, chain: Chain): Wei {
  if (amount === undefined)
    throw new UserError(`How much? Say it in tokens: pontage-provider stake ${action} 10.`)
  return parseTokens(String(amount), chain.tokenDecimals)
}

/** @throws UserError when that would leave less than a provider needs. */
async function checkUnbonding(chain: Chain, provider: string, amount: Wei): Promise<void> {
  const standing = await chain.registry.standingOf(provider)
  if (amount > standing.stake)
    throw new UserError(
      `The stake is ${inTokens(chain, standing.stake)}, less than ${inTokens(chain, amount)}. Unbond less.`,
    )
  const rest = wei(standing.stake - amount)
  const minimum = await chain.registry.minimumStake(standing.roles || BigInt(roles.provider))
  if (rest < minimum)
    throw new UserError(
      `${inTokens(chain, rest)} would be left, but a provider needs ${inTokens(chain, minimum)}. Unbond less, or end the provider with pontage-provider retire.`,
    )
}
