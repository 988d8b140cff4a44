import { parseTokens, type Wei } from '@pontage/shared'
import {
  approveAtLeast,
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  type HubOnChain,
  inTokens,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  readHub,
  timeOf,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { advanceNeeded } from '../../core/solvency.js'
import { hasLedger, type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { type Said, transact } from './transact.js'

type Options = ChainOptions &
  LedgerOptions &
  KeyOptions & { action: string; amount: string | undefined; json: boolean }

/** Shows the hub's pool, adds to it, or takes out of it: announced first, withdrawn after the delay. */
export const pool: CommandModule<CommonOptions, Options> = {
  command: 'pool [action] [amount]',
  describe:
    'Show the pool that advances redemptions; fund AMOUNT; withdraw AMOUNT, and again after the delay; cancel the withdrawal',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
    ...keyFlags,
    action: { choices: ['show', 'fund', 'withdraw', 'cancel'], default: 'show', describe: 'What to do' },
    amount: { type: 'string', describe: 'Tokens to add or to withdraw' },
  },
  async handler(options) {
    if (options.action === 'fund') await fund(options)
    else if (options.action === 'withdraw') await withdraw(options)
    else if (options.action === 'cancel') await cancel(options)
    else await show(options)
  },
}

async function fund(options: Options): Promise<void> {
  const { amount: given } = options
  if (given === undefined)
    throw new UserError('The amount is missing. Give it in tokens: pontage-hub pool fund 100.')
  await onChain(options, async (chain) => {
    const amount = parseTokens(String(given), chain.tokenDecimals)
    await transact(options, chain, {
      prepare: ({ address }, sender) =>
        approveAtLeast(chain, sender, address, chain.deployment.channels, amount),
      call: ({ address }) => chain.channels.fund.populateTransaction(address, amount),
      said: async ({ address }) => {
        const { pool } = await readHub(chain, address)
        return { text: `The pool holds ${inTokens(chain, pool)} now`, json: { pool } }
      },
    })
  })
}

async function show(options: Options): Promise<void> {
  const hub = await keystoreAddress(options.home)
  await onChain(options, async (chain) => {
    const { pool, pendingWithdrawal, withdrawableAt } = await readHub(chain, hub)
    if (options.json) return printJson({ hub, pool, pendingWithdrawal, withdrawableAt })
    const when = pendingWithdrawal > 0n ? ` from ${timeOf(withdrawableAt)}` : ''
    printLines(
      `Pool                ${inTokens(chain, pool)}`,
      `Pending withdrawal  ${inTokens(chain, pendingWithdrawal)}${when}`,
    )
  })
}

/** Asks for a withdrawal, or takes out the one whose delay is over. */
async function withdraw(options: Options): Promise<void> {
  const hub = await keystoreAddress(options.home)
  await onChain(options, async (chain) => {
    const [view, head] = await Promise.all([readHub(chain, hub), chain.head()])
    const { pool, pendingWithdrawal: pending, withdrawableAt } = view
    const given =
      options.amount === undefined ? undefined : parseTokens(String(options.amount), chain.tokenDecimals)
    if (pending > 0n && (given === undefined || given === pending)) {
      if (head.at < withdrawableAt)
        throw new UserError(
          `${inTokens(chain, pending)} can be withdrawn from ${timeOf(withdrawableAt)}. Run this again then.`,
        )
      return transact(options, chain, {
        call: () => chain.channels.withdraw.populateTransaction(),
        said: async () => sayPool(chain, await readHub(chain, hub)),
      })
    }
    if (given === undefined)
      throw new UserError('The amount is missing. Give it in tokens: pontage-hub pool withdraw 100.')
    if (given === 0n) throw new UserError('The amount is 0. Give more than that.')
    await checkCovered(chain, options, pool, given)
    await transact(options, chain, {
      call: () => chain.channels.requestWithdrawal.populateTransaction(given),
      said: async () => sayPool(chain, await readHub(chain, hub)),
    })
  })
}

async function cancel(options: Options): Promise<void> {
  const hub = await keystoreAddress(options.home)
  await onChain(options, async (chain) => {
    if ((await readHub(chain, hub)).pendingWithdrawal === 0n)
      throw new UserError('No withdrawal is pending, so there is nothing to cancel.')
    await transact(options, chain, {
      call: () => chain.channels.requestWithdrawal.populateTransaction(0n),
      said: async () => sayPool(chain, await readHub(chain, hub)),
    })
  })
}

function sayPool(chain: Chain, { pool, pendingWithdrawal, withdrawableAt }: HubOnChain): Said {
  const pending =
    pendingWithdrawal > 0n
      ? `, of which ${inTokens(chain, pendingWithdrawal)} can be withdrawn from ${timeOf(withdrawableAt)}: run pool withdraw again then`
      : ''
  return {
    text: `The pool holds ${inTokens(chain, pool)}${pending}`,
    json: { pool, pendingWithdrawal, withdrawableAt },
  }
}

/** @throws UserError when what stays in the pool would not cover what providers could redeem now. */
async function checkCovered(chain: Chain, options: LedgerOptions, pool: Wei, amount: Wei): Promise<void> {
  const owed = hasLedger(options)
    ? advanceNeeded(await withLedger(options, (ledger) => ledger.accounts()))
    : 0n
  if (amount + owed <= pool) return
  const free = pool > owed ? pool - owed : 0n
  throw new UserError(
    `The pool holds ${inTokens(chain, pool)}, of which providers may redeem ${inTokens(chain, owed)}. Withdraw at most ${inTokens(chain, free)}, or draw first: pontage-hub draw --now.`,
  )
}
