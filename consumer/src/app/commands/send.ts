import { parseTokens, wei } from '@pontage/shared'
import {
  askFirst,
  createSender,
  inTokens,
  onChain,
  payee,
  printJson,
  UserError,
  unlock,
  yesFlag,
} from '@pontage/shared/node'
import { command, logFrom, printLine, type Settings, withSettings } from './settings.js'

type Options = Settings & { to: string; amount: string; json: boolean; yes: boolean }

export const sendCommand = command<Options>({
  command: 'send <to> <amount>',
  describe: 'Send tokens from this address to another one; this needs some of the chain’s coin for gas',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('to', { type: 'string', demandOption: true, describe: 'Address that gets them' })
      .positional('amount', { type: 'string', demandOption: true, describe: 'Tokens to send, or all' })
      .options(yesFlag),
  handler: (argv) =>
    onChain(argv, async (chain) => {
      const to = payee(argv.to, chain.deployment)
      const identity = await unlock(argv)
      const balance = wei(await chain.token.balanceOf(identity.address))
      const amount = argv.amount === 'all' ? balance : parseTokens(String(argv.amount), chain.tokenDecimals)
      if (amount === 0n || amount > balance)
        throw new UserError(
          `${inTokens(chain, balance)} can be sent, not ${inTokens(chain, amount)}. What lies in channels or is staked comes free with "pontage channel close" and "pontage unbond".`,
        )
      await askFirst(`${inTokens(chain, amount)} of ${inTokens(chain, balance)} go to ${to}.`, argv)
      const sender = createSender(chain, identity, { log: logFrom(argv) })
      const { transaction } = await sender.send(chain.token.transfer.populateTransaction(to, amount))
      if (argv.json) return printJson({ to, amount, transaction })
      printLine(`Sent ${inTokens(chain, amount)} to ${to} in transaction ${transaction}.`)
    }),
})
