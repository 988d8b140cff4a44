import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ChannelState, finalState, libraryState, preFundState } from '../../channelState.js'
import { type Address, address, type Hex } from '../../units.js'
import { recoverChannelState, signChannelState } from './channelStateSignature.js'
import { createIdentity, PrivateKey } from './identity.js'

const read = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../../../channel-contracts/test/vectors/${name}.json`, import.meta.url), 'utf8'),
  )
const golden = read('documents')
const keyOf = (name: string) => new PrivateKey(golden.keys[name])
const deployment = { chainId: golden.chainId as number, channels: address(golden.channels) }
const parties = {
  consumer: address(golden.channel.consumer),
  hub: address(golden.channel.hub),
  nonce: golden.channel.nonce as number,
}

interface StateVector {
  title: string
  turnNum: number
  isFinal: boolean
  totals: { provider: Address; amount: string }[]
  releases: { provider: Address; amount: string; upTo: number }[]
  consumerSignature: Hex
  hubSignature: Hex
}

const stateOf = (vector: StateVector): ChannelState =>
  vector.isFinal
    ? finalState(deployment, parties, {
        totals: vector.totals.map((total) => ({ ...total, amount: BigInt(total.amount) })),
        releases: vector.releases.map((release) => ({ ...release, amount: BigInt(release.amount) })),
      })
    : preFundState(deployment, parties, vector.turnNum === 0 ? 0 : 1)

const states = read('states').states as StateVector[]
const oneProvider = stateOf(states.find(({ title }) => title === 'one provider') as StateVector)

test.each(states)('signs as the golden vectors do: $title', async (vector) => {
  const state = stateOf(vector)
  expect(await signChannelState(state, keyOf('consumer'))).toBe(vector.consumerSignature)
  expect(await signChannelState(state, keyOf('hub'))).toBe(vector.hubSignature)
  expect(await recoverChannelState(state, vector.consumerSignature)).toBe(parties.consumer)
  expect(await recoverChannelState(state, vector.hubSignature)).toBe(parties.hub)
})

test('signs 500 states byte for byte as the library does', async () => {
  const library = await import('@statechannels/wallet-core')
  for (let seed = 0; seed < 500; seed++) {
    const [consumerKey, hubKey] = [keyFrom(`consumer ${seed}`), keyFrom(`hub ${seed}`)]
    const state = someState(seed, createIdentity(consumerKey).address, createIdentity(hubKey).address)
    const key = seed % 2 === 0 ? consumerKey : hubKey
    const byLibrary = library.signState(libraryState(state), key.hex())
    expect(await signChannelState(state, key), `seed ${seed}`).toBe(byLibrary)
    expect(await recoverChannelState(state, byLibrary as Hex), `seed ${seed}`).toBe(
      createIdentity(key).address,
    )
  }
})

test('refuses signatures that the contract would refuse', async () => {
  const signature = await signChannelState(oneProvider, keyOf('consumer'))
  const body = signature.slice(0, -2)
  const v = Number.parseInt(signature.slice(-2), 16)
  const highS = (
    0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n - BigInt(`0x${body.slice(66)}`)
  )
    .toString(16)
    .padStart(64, '0')
  const malformed = [
    `${body}0${v - 27}`,
    `${body}1d`,
    body,
    `${signature}00`,
    `${body.slice(0, 66)}${highS}${(55 - v).toString(16)}`,
    `0x${'zz'.repeat(65)}`,
    '0x',
  ] as Hex[]
  for (const wrong of malformed) expect(await recoverChannelState(oneProvider, wrong)).toBeUndefined()
})

test('knows no signer but the two parties', async () => {
  await expect(signChannelState(oneProvider, keyOf('relayer'))).rejects.toThrow(RangeError)
  const other = { ...oneProvider, parties: { ...parties, hub: address(golden.documents.Hello.signer) } }
  const stranger = await signChannelState(other, keyOf('provider'))
  expect(await recoverChannelState(oneProvider, stranger)).toBeUndefined()
})

const digest = (text: string) => createHash('sha256').update(text).digest()
const keyFrom = (text: string) => new PrivateKey(digest(text).toString('hex'))

/** A state whose every field follows from the seed: both turns of the opening, and ends with up to four providers. */
function someState(seed: number, consumer: Address, hub: Address): ChannelState {
  const number = (what: string) => digest(`${what} ${seed}`).readUInt32BE()
  const place = {
    chainId: 1 + (number('chain') % 100_000),
    channels: address(`0x${digest(`channels ${seed}`).toString('hex', 12)}`),
  }
  const channel = { consumer, hub, nonce: number('nonce') }
  if (seed % 5 < 2) return preFundState(place, channel, seed % 5 === 0 ? 0 : 1)
  const providers = Array.from({ length: number('providers') % 5 }, (_, index) =>
    address(`0x${digest(`provider ${seed} ${index}`).toString('hex', 12)}`),
  )
  const amount = (provider: Address) => BigInt(`0x${digest(`${provider} amount`).toString('hex', 16)}`)
  const totals = providers.map((provider) => ({ provider, amount: amount(provider) }))
  const releases = totals.slice(seed % 2).map((total) => ({ ...total, upTo: number(total.provider) }))
  return finalState(place, channel, { totals, releases })
}
