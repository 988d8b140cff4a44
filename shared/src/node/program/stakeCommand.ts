import type { TransactionRequest } from 'ethers'
import type { CommandModule } from 'yargs'
import { roles } from '../../documents.js'
import { parseTokens } from '../../quantity.js'
import { type Address, type Wei, wei } from '../../units.js'
import { approveAtLeast } from '../chain/approval.js'
import type { Chain } from '../chain/chain.js'
import type { Sender, Sent } from '../chain/sender.js'
import { readStanding, type StandingOnChain } from '../chain/views.js'
import { keystoreAddress } from '../home/homeFolder.js'
import { type ChainOptions, chainFlags, type KeyOptions, keyFlags, onChain } from '../home/settings.js'
import { inTokens, printJson, printLines, timeOf } from '../report/print.js'
import type { CommonOptions } from './program.js'
import { UserError } from './userError.js'

type Options = ChainOptions & KeyOptions & { action: string; amount: string | undefined; json: boolean }

interface Role {
  readonly program: string
  readonly role: 'hub' | 'provider'
  /** The command that ends the role, with its program. */
  readonly ending: string
  /** Gives the program's own way of sending, for as long as the work takes. */
  readonly withSender: (
    options: KeyOptions,
    chain: Chain,
    work: (sender: Sender) => Promise<Sent>,
  ) => Promise<Sent>
}

/** The command that shows the stake, adds to it, or takes it out: announced first, withdrawn after the delay. */
export const stakeCommand = (role: Role): CommandModule<CommonOptions, never> => {
  const module: CommandModule<CommonOptions, Options> = {
    command: 'stake [action] [amount]',
    describe:
      'Show the stake; add AMOUNT, unbond AMOUNT, cancel the unbonding, or withdraw what has unbonded',
    builder: {
      ...chainFlags,
      ...keyFlags,
      action: {
        choices: ['show', 'add', 'unbond', 'cancel', 'withdraw'],
        default: 'show',
        describe: 'What to do',
      },
      amount: { type: 'string', describe: 'Tokens to add or to unbond' },
    },
    handler: (options) =>
      onChain(options, async (chain) => {
        const identity = await keystoreAddress(options.home)
        const sent = await act(role, options, chain, identity)
        print(role, options, chain, { identity, sent, standing: await readStanding(chain, identity) })
      }),
  }
  // runProgram takes commands whatever their options are.
  return module as never
}

/** @returns what was sent; undefined where there was nothing to send. */
async function act(role: Role, options: Options, chain: Chain, identity: Address): Promise<Sent | undefined> {
  const { registry, deployment } = chain
  const send = (call: () => Promise<TransactionRequest>) =>
    role.withSender(options, chain, (sender) => sender.send(call()))
  switch (options.action) {
    case 'add': {
      const amount = amountOf(role, options, chain)
      return role.withSender(options, chain, async (sender) => {
        await approveAtLeast(chain, sender, identity, deployment.registry, amount)
        return sender.send(registry.addStake.populateTransaction(identity, amount))
      })
    }
    case 'unbond': {
      const amount = amountOf(role, options, chain)
      await checkUnbonding(role, chain, identity, amount)
      return send(() => registry.requestUnbonding.populateTransaction(amount))
    }
    case 'cancel':
      await unbondsAt(role, chain, identity)
      return send(() => registry.cancelUnbonding.populateTransaction())
    case 'withdraw': {
      const until = await unbondsAt(role, chain, identity)
      if ((await chain.head()).at < until)
        throw new UserError(`The stake is unbonding until ${timeOf(until)}. Withdraw it after that.`)
      return send(() => registry.withdrawStake.populateTransaction())
    }
    default:
      return undefined
  }
}

function print(
  { role }: Role,
  options: Options,
  chain: Chain,
  { identity, sent, standing }: { identity: Address; sent: Sent | undefined; standing: StandingOnChain },
): void {
  const { stake, unbonding, faults, debt } = standing
  const until = standing.unbondsAt
  const leaving =
    unbonding > 0n ? `, plus ${inTokens(chain, unbonding)} unbonding until ${timeOf(until)}` : ''
  const how = sent ? ` (transaction ${sent.transaction})` : ''
  if (options.json)
    printJson({
      ...(sent ? { transaction: sent.transaction, gasUsed: sent.gasUsed } : {}),
      ...{ [role]: identity, stake, unbonding, unbondsAt: until, faults, debt },
    })
  else printLines(`The stake is ${inTokens(chain, stake)}${leaving}${how}.`)
}

function amountOf({ program }: Role, { action, amount }: Options, chain: Chain): Wei {
  if (amount === undefined)
    throw new UserError(`The amount is missing. Give it in tokens: ${program} stake ${action} 100.`)
  return parseTokens(String(amount), chain.tokenDecimals)
}

/** @throws UserError when that would leave less than the role needs, and so end it. */
async function checkUnbonding(
  { role, ending }: Role,
  chain: Chain,
  identity: Address,
  amount: Wei,
): Promise<void> {
  const standing = await readStanding(chain, identity)
  if (amount > standing.stake)
    throw new UserError(
      `The stake is ${inTokens(chain, standing.stake)}, less than ${inTokens(chain, amount)}. Unbond less.`,
    )
  const rest = wei(standing.stake - amount)
  const minimum = await chain.registry.minimumStake(standing.roles || roles[role])
  if (rest < minimum)
    throw new UserError(
      `${inTokens(chain, rest)} would be left, but a ${role} needs ${inTokens(chain, minimum)}. Unbond less, or close down the ${role} with ${ending}.`,
    )
}

/** @throws UserError when no stake is unbonding. */
async function unbondsAt({ program }: Role, chain: Chain, identity: Address): Promise<number> {
  const { unbonding, unbondsAt: until } = await readStanding(chain, identity)
  if (unbonding === 0n)
    throw new UserError(`No stake is unbonding. Start with ${program} stake unbond AMOUNT.`)
  return until
}
