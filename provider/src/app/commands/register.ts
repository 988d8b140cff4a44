import { parseTokens, roles, wei } from '@pontage/shared'
import {
  approveAtLeast,
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  createLog,
  createSender,
  inTokens,
  type KeyOptions,
  keyFlags,
  onChain,
  payee,
  printJson,
  printLines,
  readStanding,
  UserError,
  unlock,
} from '@pontage/shared/node'
import { ZeroAddress } from 'ethers'
import type { CommandModule } from 'yargs'

type Options = ChainOptions & KeyOptions & { stake: string; beneficiary: string | undefined }

/** Registers the identity as a provider. */
export const registerCommand: CommandModule<CommonOptions, Options> = {
  command: 'register',
  describe: 'Register as a provider with a stake, or add to the stake',
  builder: {
    ...chainFlags,
    ...keyFlags,
    stake: {
      type: 'string',
      default: '50',
      requiresArg: true,
      describe: 'Tokens to stake, in addition to the present stake',
    },
    beneficiary: {
      type: 'string',
      requiresArg: true,
      describe: 'Address that is paid; by default the identity itself',
    },
  },
  handler: (options) => onChain(options, (chain) => register(options, chain)),
}

async function register(options: Options, chain: Chain): Promise<void> {
  const log = createLog('pontage-provider', options.logLevel)
  const stake = parseTokens(String(options.stake), chain.tokenDecimals)
  const identity = await unlock(options)
  const before = await readStanding(chain, identity.address)
  const beneficiary =
    options.beneficiary === undefined ? before.beneficiary : payee(options.beneficiary, chain.deployment)
  const total = before.stake + stake
  const minimum = await chain.registry.minimumStake(roles.provider)
  if (total < minimum)
    throw new UserError(
      `The stake would be ${inTokens(chain, total)}, but a provider needs ${inTokens(chain, minimum)}. Raise --stake.`,
    )
  const sender = createSender(chain, identity)
  await approveAtLeast(chain, sender, identity.address, chain.deployment.registry, stake)
  const { transaction, gasUsed } = await sender.send(
    chain.registry.register.populateTransaction(
      roles.provider,
      stake,
      beneficiary === identity.address ? ZeroAddress : beneficiary,
      before.url,
    ),
  )
  log.info('registered', { address: identity.address, stake: total, beneficiary, transaction, gasUsed })
  if (options.json)
    return printJson({
      ...{ provider: identity.address, transaction, gasUsed, stake: wei(total) },
      beneficiary: beneficiary === ZeroAddress ? identity.address : beneficiary,
    })
  printLines(
    `${identity.address} is registered as a provider with a stake of ${inTokens(chain, total)}; what it earns goes to ${beneficiary === ZeroAddress ? identity.address : beneficiary}.`,
  )
}
