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
  const { transaction, gasUsed, provider, stake, beneficiary } = await registerProvider(options, chain)
  if (options.json) return printJson({ provider, transaction, gasUsed, stake, beneficiary })
  printLines(
    `${provider} is registered as a provider with a stake of ${inTokens(chain, stake)}; what it earns goes to ${beneficiary}.`,
  )
}

/** Registers the identity of a home as a provider, or adds to its stake. @throws UserError for too little of it */
export async function registerProvider(
  options: KeyOptions & { readonly stake: string; readonly beneficiary: string | undefined },
  chain: Chain,
) {
  const log = createLog('pontage-provider', options.logLevel)
  const added = parseTokens(String(options.stake), chain.tokenDecimals)
  const identity = await unlock(options)
  const provider = identity.address
  const before = await readStanding(chain, provider)
  const payTo =
    options.beneficiary === undefined ? before.beneficiary : payee(options.beneficiary, chain.deployment)
  const beneficiary = payTo === ZeroAddress ? provider : payTo
  const stake = wei(before.stake + added)
  const minimum = await chain.registry.minimumStake(roles.provider)
  if (stake < minimum)
    throw new UserError(
      `The stake would be ${inTokens(chain, stake)}, but a provider needs ${inTokens(chain, minimum)}. Raise --stake.`,
    )
  const sender = createSender(chain, identity)
  await approveAtLeast(chain, sender, provider, chain.deployment.registry, added)
  const own = beneficiary === provider ? ZeroAddress : beneficiary
  const { transaction, gasUsed } = await sender.send(
    chain.registry.register.populateTransaction(roles.provider, added, own, before.url),
  )
  log.info('registered', { address: provider, stake, beneficiary, transaction, gasUsed })
  return { provider, stake, beneficiary, transaction, gasUsed }
}
