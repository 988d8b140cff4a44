import {
  createIdentity,
  createTypedData,
  keccak256,
  PrivateKey,
  readOffer,
  readStandings,
} from '../../shared/dist/node/index.js'
import { size } from './size.mjs'

// Ten thousand providers with stake and an offer each. Their offers are published as any is; their stake is written
// into the chain's storage, which takes a test chain seconds in place of minutes.

const hash = (text) => `0x${keccak256(Buffer.from(text)).toString('hex')}`
export const personAt = (name, index) => createIdentity(new PrivateKey(hash(`${name} ${index}`)))
export const channelAt = (index) => hash(`channel ${index}`)
/** Somebody of whom only the address matters. */
export const addressAt = (name, index) => `0x${hash(`${name} ${index}`).slice(-40)}`

const countries = ['DE', 'NL', 'SE', 'FR', 'US', 'JP', 'BR', 'ZA']
const offersInBlock = 500
const word = (value) => `0x${BigInt(value).toString(16).padStart(64, '0')}`

/** Stake of 50 tokens, registered now as a provider: the one slot of IdentityRegistry’s `Identity`. */
const identitySlot = (at) => word((2n << 240n) | (BigInt(at) << 128n) | (50n * 10n ** 18n))
/** Of the mapping `_identities`, which is the first that the registry stores. */
const slotOf = (identity) =>
  `0x${keccak256(Buffer.from(`${word(identity).slice(2)}${word(0).slice(2)}`, 'hex')).toString('hex')}`

/** @returns The addresses of those who offer something now. */
export async function populate(market, hub) {
  const { chain, deployment, testChain } = market
  const send = (method, params) => batch(testChain.rpcUrl, method, params)
  const { at } = await chain.head()
  const people = Array.from({ length: size.providers }, (_, index) => personAt('provider', index))
  await inGroups(people, (some) =>
    send(
      'anvil_setStorageAt',
      some.map(({ address }) => [deployment.registry, slotOf(address), identitySlot(at)]),
    ),
  )
  // Each sends for itself: what has no order cannot wait for what is missing of it.
  await chain.rpc.send('anvil_autoImpersonateAccount', [true])
  await chain.rpc.send('evm_setAutomine', [false])
  await chain.rpc.send('evm_setBlockGasLimit', ['0x77359400'])
  const typedData = createTypedData(deployment)
  await inGroups(people, async (some, first) => {
    const calls = some.map(({ address: provider, privateKey }, index) => {
      const { signature, ...proposal } = typedData.signed(
        'Proposal',
        offerOf(provider, first + index, hub, at),
        privateKey,
      )
      return chain.marketplace.interface.encodeFunctionData('publish', [proposal, signature])
    })
    await send(
      'anvil_setBalance',
      some.map(({ address }) => [address, '0xde0b6b3a7640000']),
    )
    const common = { to: deployment.marketplace, gas: '0xf4240', gasPrice: '0x77359400' }
    await send(
      'eth_sendTransaction',
      some.map(({ address: from }, index) => [{ ...common, from, data: calls[index] }]),
    )
    await mineAll(chain)
  })
  await chain.rpc.send('evm_setAutomine', [true])
  await chain.rpc.send('anvil_autoImpersonateAccount', [false])
  const providers = people.map(({ address }) => address)
  await confirm(chain, providers)
  return providers
}

const offerOf = (provider, index, hub, issuedAt) => ({
  ...{ provider, service: 'vpn', country: countries[index % countries.length] },
  pricePerMegabyte: BigInt(40_000_000_000 + index * 1_000_000),
  pricePerHour: 0n,
  // Nobody is there: addresses for documentation.
  endpoint: `198.51.100.${1 + (index % 250)}:${7_800 + (index % 100)}`,
  ...{ wireguardKey: hash(`wireguard ${index}`), certificate: hash(`certificate ${index}`) },
  ...{ exitPolicy: 'deny tcp/25', hubs: [hub], issuedAt },
})

/** Makes blocks until all that was sent is in one. @throws Error where something waits for ever */
async function mineAll({ rpc }) {
  for (let blocks = 0; blocks < offersInBlock; blocks++) {
    await rpc.send('evm_mine', [])
    const { pending, queued } = await rpc.send('txpool_status', [])
    if (Number(pending) + Number(queued) === 0) return
  }
  throw new Error(
    `Offers were not all in a block after ${offersInBlock} blocks. Look at what the chain says of them.`,
  )
}

/** @throws Error when the chain has them otherwise than was meant. */
async function confirm(chain, providers) {
  const sample = [providers[0], providers.at(-1)]
  const standings = await readStandings(chain, sample)
  const offers = await Promise.all(sample.map((provider) => readOffer(chain, provider)))
  if (standings.some(({ activeRoles }) => activeRoles !== 2) || offers.some(({ live }) => !live))
    throw new Error(
      `The crowd was not taken by the chain: roles ${standings.map(({ activeRoles }) => activeRoles)}, offers ${offers.map(({ live }) => live)}; expected 2 and true for all. Where roles are 0, look at where IdentityRegistry stores an identity; else at what publish says.`,
    )
}

async function inGroups(items, work) {
  for (let first = 0; first < items.length; first += offersInBlock)
    await work(items.slice(first, first + offersInBlock), first)
}

/** Asks for many at once, and takes the answers for granted only where there is no error. */
async function batch(url, method, all) {
  const body = JSON.stringify(all.map((params, id) => ({ jsonrpc: '2.0', id, method, params })))
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const failed = (await response.json()).find(({ error }) => error !== undefined)
  if (failed) throw new Error(`${method} failed: ${failed.error.message}`)
}
