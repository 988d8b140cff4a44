import { parseTokens, roles } from '@pontage/shared'
import {
  approveAtLeast,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  createSender,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  onChain,
  UserError,
  unlock,
} from '@pontage/shared/node'
import { ZeroAddress } from 'ethers'
import type { CommandModule } from 'yargs'

type Options = ChainOptions & KeyOptions & { stake: string; url: string; json: boolean }

/** Registers this identity as a hub, with its own gas. */
export const register: CommandModule<CommonOptions, Options> = {
  command: 'register',
  describe: 'Register as a hub on chain, with a stake',
  builder: {
    ...chainFlags,
    ...keyFlags,
    ...jsonFlag,
    stake: {
      type: 'string',
      default: '1000',
      requiresArg: true,
      describe: 'Tokens to stake, on top of what is staked already',
    },
    url: {
      type: 'string',
      demandOption: true,
      requiresArg: true,
      describe: 'Where the hub is reached: ws://HOST:PORT or wss://HOST:PORT',
    },
  },
  async handler(options) {
    const url = websocketUrl(options.url)
    await onChain(options, async (chain) => {
      const stake = parseTokens(options.stake, chain.tokenDecimals)
      const identity = await unlock(options)
      const sender = createSender(chain, identity)
      await approveAtLeast(chain, sender, identity.address, chain.deployment.registry, stake)
      const { transaction, gasUsed } = await sender.send(
        chain.registry.register.populateTransaction(roles.hub, stake, ZeroAddress, url),
      )
      const standing = await chain.registry.standingOf(identity.address)
      if (options.json)
        process.stdout.write(
          `${JSON.stringify({ address: identity.address, transaction, gasUsed, stake: standing.stake.toString() })}\n`,
        )
      else process.stdout.write(`Registered as a hub at ${url} (transaction ${transaction}).\n`)
    })
  },
}

function websocketUrl(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (!parsed || (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') || parsed.hostname === '')
    throw new UserError(
      `"${text}" is not where a hub is reached: expected ws://HOST:PORT or wss://HOST:PORT.`,
    )
  return text
}
