import { createInterface } from 'node:readline/promises'
import { address, bytes32, formatTokens, parseTokens, type Wei } from '@pontage/shared'
import {
  type Chain,
  type CommonOptions,
  keystoreAddress,
  openChain,
  printJson,
  UserError,
} from '@pontage/shared/node'
import { readChannels } from '../../io/channelReader.js'
import { type Journal, openJournal, readJournal } from '../../io/journal.js'
import { lockHome } from '../../io/lock.js'
import { closeChannel, findOpenChannel } from '../closeChannel.js'
import { type Context, openContext } from '../context.js'
import { type OpeningCost, openChannel } from '../openChannel.js'
import { command, logFrom, printLine, type Settings, withSettings } from './settings.js'

type Json = Settings & { json: boolean }

const openCommand = command<Json & { hub: string; amount: string; maxRelayFee: string; yes: boolean }>({
  command: 'open',
  describe: 'Lock tokens towards a hub; the hub sends the transactions, no gas coin is needed',
  builder: (yargs) =>
    withJson(withSettings(yargs))
      .option('hub', { type: 'string', demandOption: true, describe: 'Address of the hub' })
      .option('amount', {
        type: 'string',
        demandOption: true,
        describe: 'Tokens to lock; what is not spent comes back',
      })
      .option('max-relay-fee', {
        type: 'string',
        default: '0.1',
        describe: 'Most tokens the hub may take for sending one transaction',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask' }),
  handler: (argv) =>
    withJournal(argv, async (context, journal) => {
      const { chain } = context
      const isAsked = !argv.yes && !argv.json && process.stdin.isTTY === true
      const opened = await openChannel(context, journal, {
        hub: address(argv.hub),
        amount: parseTokens(argv.amount, chain.tokenDecimals),
        maxRelayFee: parseTokens(argv.maxRelayFee, chain.tokenDecimals),
        confirm: async (cost) => {
          if (!argv.json) printLine(costText(context, cost))
          if (isAsked) await confirm()
        },
      })
      const { channelId, registerTransaction, openTransaction, relayFees } = opened
      if (argv.json) return printJson({ channelId, registerTransaction, openTransaction, relayFees })
      if (registerTransaction) printLine(`Registered by transaction ${registerTransaction}.`)
      printLine(`Opened channel ${channelId} by transaction ${openTransaction}.`)
    }),
})

const statusCommand = command<Json>({
  command: 'status',
  describe: 'Show every channel: what it holds, what is promised out of it',
  builder: (yargs) => withJson(withSettings(yargs)),
  async handler(argv) {
    const consumer = await keystoreAddress(argv.home)
    const chain = await openChain(argv)
    try {
      const trail = await readJournal(argv.home)
      const channels = (await readChannels(argv.home, chain, consumer)).map((channel) => ({
        ...channel,
        closing: trail.isClosing(channel.channelId),
        promised: trail.totals(channel.channelId),
      }))
      if (argv.json) return printJson(channels)
      if (channels.length === 0)
        return printLine('No channel yet. Open one with "pontage channel open --hub HUB --amount TOKENS".')
      for (const { channelId, hub, status, balance, closing, promised } of channels) {
        const state = closing && status === 'open' ? 'closing' : status
        printLine(`${channelId}  ${state}, holds ${tokens(chain, balance)}`)
        printLine(`    hub ${hub}`)
        for (const { provider, amount } of promised)
          printLine(`    promised ${tokens(chain, amount)} to ${provider}`)
      }
    } finally {
      chain.close()
    }
  },
})

const closeCommand = command<Json & { channel?: string }>({
  command: 'close',
  describe: 'Close a channel together with its hub: what is not spent comes back at once',
  builder: (yargs) =>
    withJson(withSettings(yargs)).option('channel', {
      type: 'string',
      describe: 'Which one, where there are several',
    }),
  handler: (argv) =>
    withJournal(argv, async (context, journal) => {
      const named = argv.channel === undefined ? undefined : bytes32(argv.channel)
      const closed = await closeChannel(context, journal, await findOpenChannel(context, named))
      if (argv.json) return printJson(closed)
      printLine(`Closed channel ${closed.channelId} by transaction ${closed.transaction}.`)
      printLine(
        `${tokens(context.chain, closed.returned)} came back; ${tokens(context.chain, closed.spent)} went to providers.`,
      )
    }),
})

export const channelCommand = command<CommonOptions>({
  command: 'channel',
  describe: 'Open, show or close a channel',
  builder: (yargs) =>
    yargs
      .command(openCommand as never)
      .command(statusCommand as never)
      .command(closeCommand as never)
      .demandCommand(1, 'Name one: open, status or close.'),
  handler: () => {},
})

const withJson = <Options>(yargs: import('yargs').Argv<Options>) =>
  yargs.option('json', { type: 'boolean', default: false, describe: 'Print JSON' })

const tokens = (chain: Chain, amount: Wei): string =>
  `${formatTokens(amount, chain.tokenDecimals)} ${chain.tokenSymbol}`

/** Work that signs: alone in its home, with the journal open. */
async function withJournal(
  argv: Settings,
  work: (context: Context, journal: Journal) => Promise<void>,
): Promise<void> {
  const lock = await lockHome(argv.home)
  try {
    const context = await openContext(argv, logFrom(argv))
    const journal = await openJournal(argv.home).catch((error) => {
      context.chain.close()
      throw error
    })
    try {
      await work(context, journal)
    } finally {
      await journal.close()
      context.chain.close()
    }
  } finally {
    await lock.release()
  }
}

function costText(context: Context, { amount, stake, registerFee, openFee }: OpeningCost): string {
  const parts = [`Deposit ${tokens(context.chain, amount)}`]
  if (registerFee > 0n || stake > 0n)
    parts.push(
      `stake ${tokens(context.chain, stake)} (comes back when you leave)`,
      `registration fee ${tokens(context.chain, registerFee)}`,
    )
  parts.push(`opening fee ${tokens(context.chain, openFee)}`)
  return `${parts.join(', ')}.`
}

async function confirm(): Promise<void> {
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await reader.question('Go on? [y/N] ')
  reader.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('Nothing was signed.')
}
