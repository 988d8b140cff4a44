import { type Address, formatTokens } from '@pontage/shared'
import { type CommonOptions, createLog, UserError } from '@pontage/shared/node'
import type { ArgumentsCamelCase, CommandModule } from 'yargs'
import { redeemAccount } from '../transactions.js'
import { openParts } from './open.js'
import { type ChainOptions, chainOf, unlock, withChain } from './options.js'

type Given = ChainOptions & { now?: boolean }

/** Redeems at once. */
export const redeemCommand: CommandModule<CommonOptions, Given> = {
  command: 'redeem',
  describe: 'Turn what the hubs owe into tokens',
  builder: (parser) =>
    withChain(parser).option('now', { type: 'boolean', describe: 'Whatever the amount' }) as never,
  handler: redeem,
}

async function redeem(given: ArgumentsCamelCase<Given>): Promise<void> {
  if (!given.now)
    throw new UserError(
      'Say redeem --now to redeem whatever there is; a running provider with --auto-redeem does it by itself.',
    )
  const log = createLog('pontage-provider', given.logLevel)
  const identity = await unlock(given)
  const chain = await chainOf(given)
  const parts = openParts(given.home, identity, chain, log)
  try {
    const hubs: readonly Address[] = parts.promises.hubs()
    let redeemed = 0n
    for (const hub of hubs) redeemed += await redeemAccount(parts, hub)
    process.stdout.write(
      redeemed === 0n
        ? 'Nothing is due.\n'
        : `Redeemed ${formatTokens(redeemed, chain.tokenDecimals)} ${chain.tokenSymbol}.\n`,
    )
  } finally {
    parts.closeStore()
    chain.close()
  }
}
