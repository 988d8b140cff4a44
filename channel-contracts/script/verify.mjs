import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCreateAddress } from 'ethers'
import {
  IdentityRegistry__factory,
  IPaymentChannels__factory,
  Marketplace__factory,
} from '../dist/ts/index.js'
import { workspace } from './binary.mjs'

/**
 * Checks that what lies at the addresses of a deployment is this source, put together as it should be.
 *
 * @throws {Error} Saying what was found and what was expected.
 */
export async function verify(provider, deployment, expected) {
  const places = {
    IdentityRegistry: deployment.registry,
    PaymentChannels: deployment.channels,
    // Made by the constructor of PaymentChannels: the only contract it ever makes.
    ChannelViews: getCreateAddress({ from: deployment.channels, nonce: 1 }),
    Marketplace: deployment.marketplace,
  }
  for (const [name, address] of Object.entries(places)) {
    if (masked(name, await provider.getCode(address)) !== masked(name))
      throw new Error(
        `The code at ${address} is not that of ${name}. Deploy again, or check out the source it was made of.`,
      )
  }
  const registry = IdentityRegistry__factory.connect(deployment.registry, provider)
  const channels = IPaymentChannels__factory.connect(deployment.channels, provider)
  const marketplace = Marketplace__factory.connect(deployment.marketplace, provider)
  const { registryArguments, channelSettings, marketSettings } = expected
  const { consumer, provider: providerStake, hub } = registryArguments.minimumStakes
  const facts = [
    ['registry.token', await registry.token(), deployment.token],
    ['registry.channels', await registry.channels(), deployment.channels],
    ['registry.marketplace', await registry.marketplace(), deployment.marketplace],
    ['registry.unbondingDelay', await registry.unbondingDelay(), registryArguments.unbonding],
    ['minimum stake of a consumer', await registry.minimumStake(1), consumer],
    ['minimum stake of a provider', await registry.minimumStake(2), providerStake],
    ['minimum stake of a hub', await registry.minimumStake(4), hub],
    ['channels.token', await channels.token(), deployment.token],
    ['channels.registry', await channels.registry(), deployment.registry],
    ['marketplace.registry', await marketplace.registry(), deployment.registry],
    ...settingsFacts('channels', await channels.settings(), channelSettings),
    ...settingsFacts('marketplace', await marketplace.settings(), marketSettings),
  ]
  for (const [what, got, wanted] of facts) {
    if (`${got}`.toLowerCase() !== `${wanted}`.toLowerCase())
      throw new Error(`${what} is ${got}, expected ${wanted}. Deploy again with the configuration you want.`)
  }
}

const settingsFacts = (where, got, wanted) =>
  Object.entries(wanted).map(([name, value]) => [`${where}.settings.${name}`, got[name], value])

/** Code of a contract with its immutables, which differ from deployment to deployment, put to zero. */
function masked(name, code) {
  const { deployedBytecode, immutables } = JSON.parse(
    readFileSync(join(workspace, 'abi', `${name}.json`), 'utf8'),
  )
  const bytes = Buffer.from((code ?? deployedBytecode).slice(2), 'hex')
  for (const { start, length } of immutables) bytes.fill(0, start, start + length)
  return bytes.toString('hex')
}
