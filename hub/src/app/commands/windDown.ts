import { type Address, countOf, type UnixSeconds, wholeStake } from '@pontage/shared'
import {
  askFirst,
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  createSender,
  inTokens,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  readAccounts,
  readChannelSettings,
  readHub,
  readStanding,
  timeOf,
  unlock,
  yesFlag,
} from '@pontage/shared/node'
import type { TransactionRequest } from 'ethers'
import type { CommandModule } from 'yargs'
import { advanceNeeded } from '../../core/solvency.js'
import type { Ledger } from '../../io/ledger.js'
import { drawAll } from './drawAll.js'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'

type Options = ChainOptions & LedgerOptions & KeyOptions & { cancel: boolean; json: boolean; yes: boolean }

/** Ends a hub in order: each time it is run, it does what can be done by then and says what comes next. */
export const windDown: CommandModule<CommonOptions, Options> = {
  command: 'wind-down',
  describe:
    'Close down the hub: accept nothing new, draw everything, withdraw pool and stake. Run again until it is done',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
    ...keyFlags,
    ...yesFlag,
    cancel: { type: 'boolean', default: false, describe: 'Accept new guarantees again' },
  },
  async handler(options) {
    if (options.cancel) return cancel(options)
    const hub = await keystoreAddress(options.home)
    await onChain(options, async (chain) => {
      const { stake: staked } = await readStanding(chain, hub)
      if (staked > 0n)
        await askFirst(
          `The hub guarantees nothing new, and its pool and its stake of ${inTokens(chain, staked)} are locked until their delays have passed.`,
          options,
        )
      await withLedger(options, (ledger) => ledger.writeNote('leaving', hub))
      const drawn = await drawAll(options, chain)
      const obligations = await withLedger(options, (ledger) => readObligations(ledger, chain, hub))
      const head = await chain.head()
      // A promise under a live guarantee is still cleared: pool and stake stand behind it until then.
      const sent =
        obligations.guaranteedUntil < head.at ? await takeOut(options, chain, head.at, obligations.owed) : []
      const [view, standing, { withdrawalDelay }] = await Promise.all([
        readHub(chain, hub),
        readStanding(chain, hub),
        readChannelSettings(chain),
      ])
      const left = {
        drawn: drawn.length,
        openChannels: obligations.openChannels,
        guaranteedUntil: obligations.guaranteedUntil,
        owed: obligations.owed,
        pool: view.pool,
        withdrawableAt: view.withdrawableAt,
        /** A request that is not taken by then lapses. */
        withdrawableUntil: view.withdrawableAt > 0 ? view.withdrawableAt + withdrawalDelay : 0,
        stake: standing.stake,
        unbonding: standing.unbonding,
        unbondsAt: standing.unbondsAt,
        transactions: sent,
        done: view.pool === 0n && standing.stake + standing.unbonding === 0n,
      }
      if (options.json) printJson(left)
      else printLines(...sentences(chain, left, head.at))
    })
  },
}

async function cancel(options: Options): Promise<void> {
  await withLedger(options, (ledger) => ledger.writeNote('leaving', undefined))
  if (options.json) printJson({ leaving: false })
  else
    printLines(
      'The hub accepts new guarantees again. To keep pool and stake, run pool cancel and stake cancel.',
    )
}

/** What the ledger and the newest block say is still to be honoured. */
async function readObligations(ledger: Ledger, chain: Chain, hub: Address) {
  const [lines, accounts] = await Promise.all([ledger.openChannels(), ledger.accounts()])
  const live = lines.flatMap(({ tabs }) => tabs).filter(({ liveCeiling }) => liveCeiling > 0n)
  const views = await readAccounts(
    chain,
    hub,
    accounts.map(({ provider }) => provider),
  )
  const now = accounts.map((account, index) => ({ ...account, ...views[index] }))
  return {
    openChannels: lines.length,
    guaranteedUntil: Math.max(0, ...live.map(({ expiresAt }) => expiresAt)),
    /** What the pool would have to advance, however everything is drawn: it stays. */
    owed: advanceNeeded(now),
  }
}

/** Asks for pool and stake, and takes out what has waited long enough. */
async function takeOut(options: Options, chain: Chain, now: UnixSeconds, owed: bigint): Promise<string[]> {
  const { channels, registry } = chain
  const identity = await unlock(options)
  const sender = createSender(chain, identity)
  const transactions: string[] = []
  const send = async (call: Promise<TransactionRequest>) => {
    transactions.push((await sender.send(call)).transaction)
  }
  const { pool, pendingWithdrawal, withdrawableAt } = await readHub(chain, identity.address)
  const free = pool > owed ? pool - owed : 0n
  if (pendingWithdrawal > 0n && withdrawableAt <= now) await send(channels.withdraw.populateTransaction())
  else if (pendingWithdrawal === 0n && free > 0n)
    await send(channels.requestWithdrawal.populateTransaction(free))
  const { stake, unbonding, unbondsAt } = await readStanding(chain, identity.address)
  if (stake > 0n) await send(registry.requestUnbonding.populateTransaction(wholeStake))
  else if (unbonding > 0n && unbondsAt <= now) await send(registry.withdrawStake.populateTransaction())
  return transactions
}

function sentences(
  chain: Chain,
  left: {
    drawn: number
    openChannels: number
    guaranteedUntil: number
    owed: bigint
    pool: bigint
    withdrawableAt: number
    withdrawableUntil: number
    stake: bigint
    unbonding: bigint
    unbondsAt: number
    done: boolean
  },
  now: UnixSeconds,
): string[] {
  const lines = ['The hub gives no new guarantees.']
  if (left.drawn > 0) lines.push(`Drew ${countOf(left.drawn, 'promise')}.`)
  if (left.guaranteedUntil >= now)
    lines.push(
      `The last guarantee expires at ${timeOf(left.guaranteedUntil)}: keep the hub running until then.`,
    )
  if (left.owed > 0n) lines.push(`${inTokens(chain, left.owed)} of the pool stays for providers to redeem.`)
  if (left.withdrawableAt > 0)
    lines.push(
      `The pool can be withdrawn from ${timeOf(left.withdrawableAt)} until ${timeOf(left.withdrawableUntil)}: run wind-down again in between, or the request lapses.`,
    )
  if (left.unbonding > 0n) lines.push(`The stake can be withdrawn from ${timeOf(left.unbondsAt)}.`)
  if (left.openChannels > 0)
    lines.push(
      `${countOf(left.openChannels, 'channel')} ${left.openChannels === 1 ? 'is' : 'are'} still open: consumers can close them at once while the hub is running, and exit alone after that.`,
    )
  return [
    ...lines,
    left.done ? 'Pool and stake are withdrawn: the hub is closed down.' : 'Run wind-down again to continue.',
  ]
}
