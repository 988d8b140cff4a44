import { address, formatTokens, parseTokens, roles } from '@pontage/shared'
import { type CommonOptions, createLog, createSender, UserError } from '@pontage/shared/node'
import type { ArgumentsCamelCase, CommandModule } from 'yargs'
import { readStanding } from '../../io/chainViews.js'
import { type ChainOptions, chainOf, unlock, withChain } from './options.js'

type Given = ChainOptions & { stake: string; beneficiary?: string }

const noAddress = `0x${'00'.repeat(20)}`

/** Registers the identity as a provider. */
export const registerCommand: CommandModule<CommonOptions, Given> = {
  command: 'register',
  describe: 'Register as a provider with a stake, or add to it',
  builder: (parser) =>
    withChain(parser)
      .option('stake', { type: 'string', default: '50', describe: 'Tokens to add to the stake' })
      .option('beneficiary', {
        type: 'string',
        describe: 'Address that is paid; the identity itself when left out',
      }) as never,
  handler: register,
}

async function register(given: ArgumentsCamelCase<Given>): Promise<void> {
  const log = createLog('pontage-provider', given.logLevel)
  const identity = await unlock(given)
  const chain = await chainOf(given)
  try {
    const stake = parseTokens(String(given.stake), chain.tokenDecimals)
    const before = await readStanding(chain, identity.address)
    const beneficiary = given.beneficiary === undefined ? before.beneficiary : address(given.beneficiary)
    const tokens = await chain.token.balanceOf(identity.address)
    const show = (amount: bigint) => `${formatTokens(amount, chain.tokenDecimals)} ${chain.tokenSymbol}`
    if (tokens < stake)
      throw new UserError(
        `The stake is ${show(stake)}, but ${identity.address} has ${show(tokens)}. Send it the rest.`,
      )
    const minimum = await chain.registry.minimumStake(roles.provider)
    if (before.stake + stake < minimum)
      throw new UserError(
        `The stake would be ${show(before.stake + stake)}, but a provider needs ${show(minimum)}. Raise --stake.`,
      )
    const sender = createSender(chain, identity)
    if (stake > 0n)
      await sender.send(chain.token.approve.populateTransaction(chain.deployment.registry, stake))
    const { transaction, gasUsed } = await sender.send(
      chain.registry.register.populateTransaction(
        roles.provider,
        stake,
        beneficiary === identity.address ? noAddress : beneficiary,
        before.url,
      ),
    )
    log.info('registered', {
      address: identity.address,
      stake: before.stake + stake,
      beneficiary,
      transaction,
      gasUsed,
    })
    process.stdout.write(
      `${identity.address} is registered as a provider with a stake of ${show(before.stake + stake)}; what it earns goes to ${beneficiary === noAddress ? identity.address : beneficiary}.\n`,
    )
  } finally {
    chain.close()
  }
}
