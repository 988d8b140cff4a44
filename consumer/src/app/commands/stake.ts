import { parseTokens, type Wei } from '@pontage/shared'
import { type Chain, inTokens, printJson, readStanding, timeOf, UserError } from '@pontage/shared/node'
import { addStake, cancelUnbonding, unbond, withdrawStake } from '../channel/stake.js'
import { type Context, openContext } from '../context.js'
import type { RelayWishes, SentFor } from '../hub/relayed.js'
import { type RelayOptions, relayFlags, relayWishes, sentBy } from './channel/flags.js'
import { command, logFrom, printLine, type Settings, withSettings } from './settings.js'

type Options = Settings & RelayOptions & { amount?: string; json: boolean }
type Action = 'show' | 'add' | 'cancel' | 'withdraw'

export const stakeCommand = command<Options & { action: Action }>({
  command: 'stake [action] [amount]',
  describe: 'Show the stake; add AMOUNT, cancel the unbonding, or withdraw what has unbonded',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...relayFlags })
      .positional('action', {
        choices: ['show', 'add', 'cancel', 'withdraw'],
        default: 'show',
        describe: 'What to do',
      })
      .positional('amount', { type: 'string', describe: 'Tokens to add' }),
  handler: (argv) =>
    changing(argv, async (context, wishes) => {
      switch (argv.action) {
        case 'add':
          return addStake(context, needed(argv, context.chain), wishes)
        case 'cancel':
          return cancelUnbonding(context, wishes)
        case 'withdraw':
          return withdrawStake(context, wishes)
        default:
          return undefined
      }
    }),
})

export const unbondCommand = command<Options>({
  command: 'unbond [amount]',
  describe: 'Start withdrawing the stake: AMOUNT, or all of it, which ends your registration as a consumer',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...relayFlags })
      .positional('amount', { type: 'string', describe: 'Tokens' }),
  handler: (argv) =>
    changing(argv, (context, wishes) =>
      unbond(context, argv.amount === undefined ? undefined : needed(argv, context.chain), wishes),
    ),
})

/** Does it, then tells how the stake stands. */
async function changing(
  argv: Options,
  work: (context: Context, wishes: RelayWishes) => Promise<SentFor | undefined>,
): Promise<void> {
  const context = await openContext(argv, logFrom(argv))
  try {
    const { chain, identity } = context
    const sent = await work(context, relayWishes(argv, chain))
    const { stake, unbonding, unbondsAt } = await readStanding(chain, identity.address)
    const transaction = sent?.transaction ?? null
    if (argv.json)
      return printJson({ transaction, relayFee: sent?.relayFee ?? null, stake, unbonding, unbondsAt })
    const leaving =
      unbonding === 0n ? '' : `, ${inTokens(chain, unbonding)} is unbonding until ${timeOf(unbondsAt)}`
    const how = sent === undefined ? '' : ` (transaction ${sent.transaction}${sentBy(chain, sent)})`
    printLine(`The stake is ${inTokens(chain, stake)}${leaving}${how}.`)
  } finally {
    context.chain.close()
  }
}

function needed({ amount }: Options, chain: Chain): Wei {
  if (amount === undefined)
    throw new UserError('The amount is missing. Give it in tokens: pontage stake add 1.')
  return parseTokens(String(amount), chain.tokenDecimals)
}
