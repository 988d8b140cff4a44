import { parseTokens } from '@pontage/shared'
import {
  approveAtLeast,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  createSender,
  inTokens,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  onChain,
  UserError,
  unlock,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'

type Options = ChainOptions & KeyOptions & { action: string; amount: string | undefined; json: boolean }

/** Shows the hub's pool, or adds to it. */
export const pool: CommandModule<CommonOptions, Options> = {
  command: 'pool [action] [amount]',
  describe: 'Show the pool that redemptions are advanced from; "pool fund AMOUNT" adds to it',
  builder: {
    ...chainFlags,
    ...keyFlags,
    ...jsonFlag,
    action: { choices: ['show', 'fund'], default: 'show', describe: 'What to do' },
    amount: { type: 'string', describe: 'Tokens to add' },
  },
  async handler(options) {
    if (options.action === 'fund') await fund(options)
    else await show(options)
  },
}

async function fund(options: Options): Promise<void> {
  if (options.amount === undefined)
    throw new UserError('How much is to be added? Say it in tokens: pontage-hub pool fund 100.')
  const text = String(options.amount)
  await onChain(options, async (chain) => {
    const amount = parseTokens(text, chain.tokenDecimals)
    const identity = await unlock(options)
    const sender = createSender(chain, identity)
    await approveAtLeast(chain, sender, identity.address, chain.deployment.channels, amount)
    const { transaction, gasUsed } = await sender.send(
      chain.channels.fund.populateTransaction(identity.address, amount),
    )
    const { pool } = await chain.channels.hubOf(identity.address)
    if (options.json)
      process.stdout.write(`${JSON.stringify({ transaction, gasUsed, pool: pool.toString() })}\n`)
    else process.stdout.write(`The pool holds ${inTokens(chain, pool)} now (transaction ${transaction}).\n`)
  })
}

async function show(options: Options): Promise<void> {
  const hub = await keystoreAddress(options.home)
  await onChain(options, async (chain) => {
    const { pool, pendingWithdrawal, withdrawableAt } = await chain.channels.hubOf(hub)
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({
          hub,
          pool: pool.toString(),
          pendingWithdrawal: pendingWithdrawal.toString(),
          withdrawableAt: Number(withdrawableAt),
        })}\n`,
      )
    else
      process.stdout.write(
        `Pool                ${inTokens(chain, pool)}\nPending withdrawal  ${inTokens(chain, pendingWithdrawal)}\n`,
      )
  })
}
