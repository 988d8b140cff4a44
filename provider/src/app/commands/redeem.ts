import { wei } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  type KeyOptions,
  keyFlags,
  onChain,
  printJson,
  printLines,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { redeemAccount } from '../settlement/transactions.js'
import { withComponents } from './open.js'

type Options = ChainOptions & KeyOptions & { now: boolean }

/** Redeems at once. */
export const redeemCommand: CommandModule<CommonOptions, Options> = {
  command: 'redeem',
  describe: 'Turn what the hubs owe into tokens',
  builder: {
    ...chainFlags,
    ...keyFlags,
    now: { type: 'boolean', default: false, describe: 'Redeem any amount' },
  },
  async handler(options) {
    if (!options.now)
      throw new UserError(
        'Run redeem --now to redeem whatever there is; a running provider with --auto-redeem does it by itself.',
      )
    await onChain(options, (chain) => redeem(options, chain))
  },
}

const redeem = (options: Options, chain: Chain): Promise<void> =>
  withComponents(options, chain, async (components) => {
    let redeemed = 0n
    for (const hub of components.promises.hubs()) redeemed += await redeemAccount(components, hub)
    if (options.json) return printJson({ redeemed: wei(redeemed) })
    printLines(redeemed === 0n ? 'Nothing is due.' : `Redeemed ${inTokens(chain, redeemed)}.`)
  })
