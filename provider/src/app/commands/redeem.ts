import type { Address } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  createLog,
  inTokens,
  type KeyOptions,
  keyFlags,
  onChain,
  printLines,
  UserError,
  unlock,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { redeemAccount } from '../transactions.js'
import { openParts } from './open.js'

type Options = ChainOptions & KeyOptions & { now: boolean }

/** Redeems at once. */
export const redeemCommand: CommandModule<CommonOptions, Options> = {
  command: 'redeem',
  describe: 'Turn what the hubs owe into tokens',
  builder: {
    ...chainFlags,
    ...keyFlags,
    now: { type: 'boolean', default: false, describe: 'Whatever the amount' },
  },
  async handler(options) {
    if (!options.now)
      throw new UserError(
        'Say redeem --now to redeem whatever there is; a running provider with --auto-redeem does it by itself.',
      )
    await onChain(options, (chain) => redeem(options, chain))
  },
}

async function redeem(options: Options, chain: Chain): Promise<void> {
  const log = createLog('pontage-provider', options.logLevel)
  const parts = openParts(options.home, await unlock(options), chain, log)
  try {
    const hubs: readonly Address[] = parts.promises.hubs()
    let redeemed = 0n
    for (const hub of hubs) redeemed += await redeemAccount(parts, hub)
    printLines(redeemed === 0n ? 'Nothing is due.' : `Redeemed ${inTokens(chain, redeemed)}.`)
  } finally {
    parts.closeStore()
  }
}
