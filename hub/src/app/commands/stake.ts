import { parseTokens, type Wei, wei } from '@pontage/shared'
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
import { timeOf } from './table.js'
import { type Said, transact } from './transact.js'

type Options = ChainOptions & KeyOptions & { action: string; amount: string | undefined; json: boolean }

/** Shows the stake, adds to it, or takes it out: announced first, withdrawn after the delay. */
export const stake: CommandModule<CommonOptions, Options> = {
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
  },
  async handler(options) {
    const hub = await keystoreAddress(options.home)
    await onChain(options, async (chain) => {
      const { registry, deployment } = chain
      const said = async () => sayStake(chain, await registry.standingOf(hub))
      switch (options.action) {
        case 'add': {
          const amount = amountOf(options, chain)
          return transact(options, chain, {
            prepare: ({ address }, sender) =>
              approveAtLeast(chain, sender, address, deployment.registry, amount),
            call: ({ address }) => registry.addStake.populateTransaction(address, amount),
            said,
          })
        }
        case 'unbond': {
          const amount = amountOf(options, chain)
          await checkUnbonding(chain, hub, amount)
          return transact(options, chain, {
            call: () => registry.requestUnbonding.populateTransaction(amount),
            said,
          })
        }
        case 'cancel':
          await unbondingOf(chain, hub)
          return transact(options, chain, {
            call: () => registry.cancelUnbonding.populateTransaction(),
            said,
          })
        case 'withdraw': {
          const [{ unbondsAt }, head] = await Promise.all([unbondingOf(chain, hub), chain.head()])
          if (head.at < unbondsAt)
            throw new UserError(
              `The stake is unbonding until ${timeOf(Number(unbondsAt))}. Withdraw it after that.`,
            )
          return transact(options, chain, { call: () => registry.withdrawStake.populateTransaction(), said })
        }
        default: {
          const { text, json } = await said()
          if (options.json) printJson({ hub, ...json })
          else printLines(`${text}.`)
        }
      }
    })
  },
}

type Standing = Awaited<ReturnType<Chain['registry']['standingOf']>>

function sayStake(chain: Chain, { stake, unbonding, unbondsAt, faults, debt }: Standing): Said {
  const leaving =
    unbonding > 0n
      ? `, ${inTokens(chain, unbonding)} more is unbonding until ${timeOf(Number(unbondsAt))}`
      : ''
  return {
    text: `The stake is ${inTokens(chain, stake)}${leaving}`,
    json: { stake, unbonding, unbondsAt: Number(unbondsAt), faults: Number(faults), debt },
  }
}

function amountOf({ action, amount }: Options, chain: Chain): Wei {
  if (amount === undefined)
    throw new UserError(`How much? Say it in tokens: pontage-hub stake ${action} 100.`)
  return parseTokens(String(amount), chain.tokenDecimals)
}

/** @throws UserError when that would leave less than a hub needs, or end the hub. */
async function checkUnbonding(chain: Chain, hub: string, amount: Wei): Promise<void> {
  const standing = await chain.registry.standingOf(hub)
  const rest = standing.stake - amount
  if (rest < 0n)
    throw new UserError(
      `The stake is ${inTokens(chain, standing.stake)}, less than ${inTokens(chain, amount)}. Unbond less.`,
    )
  const minimum = await chain.registry.minimumStake(standing.roles)
  if (rest < minimum)
    throw new UserError(
      `${inTokens(chain, wei(rest))} would be left, but a hub needs ${inTokens(chain, minimum)}. Unbond less, or end the hub with pontage-hub wind-down.`,
    )
}

async function unbondingOf(chain: Chain, hub: string): Promise<Standing> {
  const standing = await chain.registry.standingOf(hub)
  if (standing.unbonding === 0n)
    throw new UserError('No stake is unbonding. Begin with pontage-hub stake unbond AMOUNT.')
  return standing
}
