import { parseTokens, wei } from '@pontage/shared'
import { inTokens, keystoreAddress, onChain, printJson } from '@pontage/shared/node'
import { readDebts, repayDebts } from '../channel/debts.js'
import { openContext } from '../context.js'
import { type RelayOptions, relayFlags, relayWishes } from './channel/flags.js'
import { command, logFrom, printLine, type Settings, withSettings } from './settings.js'

export const debtCommand = command<Settings & { json: boolean }>({
  command: 'debt',
  describe: 'Show your debt for promises that were not kept; while there is any, nobody serves you',
  builder: (yargs) => withSettings(yargs),
  async handler(argv) {
    const consumer = await keystoreAddress(argv.home)
    await onChain(argv, async (chain) => {
      const debts = (await readDebts(argv.home, chain, consumer)).map(({ channel, provider, missing }) => ({
        channelId: channel.channelId,
        provider,
        missing,
      }))
      const owed = wei(debts.reduce((sum, { missing }) => sum + missing, 0n))
      if (argv.json) return printJson({ owed, debts })
      if (owed === 0n) return printLine('Nothing is owed.')
      for (const { channelId, provider, missing } of debts)
        printLine(`${inTokens(chain, missing)} to ${provider}, on channel ${channelId}`)
      printLine(`${inTokens(chain, owed)} in total. Pay it with "pontage repay".`)
    })
  },
})

export const repayCommand = command<Settings & RelayOptions & { amount?: string; json: boolean }>({
  command: 'repay [amount]',
  describe: 'Repay your debt, or AMOUNT of it; without a gas coin a hub sends it for a fee',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...relayFlags })
      .positional('amount', { type: 'string', describe: 'Tokens' }),
  async handler(argv) {
    const context = await openContext(argv, logFrom(argv))
    try {
      const { chain } = context
      const most =
        argv.amount === undefined ? undefined : parseTokens(String(argv.amount), chain.tokenDecimals)
      const done = await repayDebts(context, most, relayWishes(argv, chain))
      if (argv.json) return printJson(done)
      printLine(`Paid ${inTokens(chain, done.paid)} in transaction ${done.transactions.join(', ')}.`)
    } finally {
      context.chain.close()
    }
  },
})
