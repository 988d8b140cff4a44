import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  type KeyOptions,
  keyFlags,
  onChain,
  payee,
  printJson,
  printLines,
  readWithheld,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { withComponents } from './open.js'

type Options = ChainOptions & KeyOptions & { to: string }

/** Takes what the token refused to pay this provider, to an address that it does not refuse. */
export const collectCommand: CommandModule<CommonOptions, Options> = {
  command: 'collect <to>',
  describe: 'Collect what the token refused to pay your beneficiary, to another address',
  builder: (yargs) =>
    yargs
      .options({ ...chainFlags, ...keyFlags })
      .positional('to', { type: 'string', demandOption: true, describe: 'Address that is paid' }) as never,
  handler: (options) =>
    onChain(options, (chain) =>
      withComponents(options, chain, async ({ identity, sender }) => {
        const owner = identity.address
        const { amount } = await readWithheld(chain, owner)
        if (amount === 0n) throw new UserError('Nothing is withheld: the token paid everything.')
        const to = payee(options.to, chain.deployment)
        const { transaction } = await sender.send(
          chain.channels.collectWithheld.populateTransaction(owner, to, 0n, 0n, '0x'),
        )
        if (options.json) return printJson({ amount, to, transaction })
        printLines(`Collected ${inTokens(chain, amount)} to ${to} in transaction ${transaction}.`)
      }),
    ),
}
