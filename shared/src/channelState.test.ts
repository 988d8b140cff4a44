import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  type ChannelState,
  channelIdOf,
  concludeArguments,
  finalState,
  hashChannelState,
  preFundState,
} from './channelState.js'
import { type Address, address, type Hex } from './units.js'

const read = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../channel-contracts/test/vectors/${name}.json`, import.meta.url), 'utf8'),
  )
const golden = read('documents')
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
  channelId: Hex
  hash: Hex
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

test.each(states)('hashes as the library does: $title', async (vector) => {
  const state = stateOf(vector)
  expect(channelIdOf(deployment, parties)).toBe(vector.channelId)
  expect(await hashChannelState(state)).toBe(vector.hash)
})

test('a changed total, release, deployment or chain changes what is signed', async () => {
  const [total] = oneProvider.totals
  const [release] = oneProvider.releases
  if (total === undefined || release === undefined) throw new Error('the vector has one of each')
  const changed: ChannelState[] = [
    { ...oneProvider, totals: [{ ...total, amount: total.amount + 1n }] },
    { ...oneProvider, releases: [] },
    { ...oneProvider, releases: [{ ...release, upTo: release.upTo + 1 }] },
    { ...oneProvider, channels: parties.hub },
    { ...oneProvider, chainId: 1 },
    { ...oneProvider, isFinal: false },
    { ...oneProvider, turn: 3 },
    { ...oneProvider, parties: { ...parties, nonce: parties.nonce + 1 } },
  ]
  const hashes = await Promise.all([oneProvider, ...changed].map(hashChannelState))
  expect(new Set(hashes).size).toBe(changed.length + 1)
})

test('a provider has one total and one release', () => {
  const total = { provider: parties.hub, amount: 1n }
  expect(() => finalState(deployment, parties, { totals: [total, total], releases: [] })).toThrow(RangeError)
})

test('concludes only with the releases that the state lists', () => {
  const signatures = { consumer: '0x01', hub: '0x02' } as const
  const signed = oneProvider.releases.map((release) => ({ ...release, signature: '0x03' as Hex }))
  const [state, consumer, hub] = concludeArguments(oneProvider, signed, signatures)
  expect([consumer, hub]).toEqual(['0x01', '0x02'])
  expect(state.releases).toEqual(signed)
  expect(state.totals).toEqual(oneProvider.totals)
  expect(() => concludeArguments(oneProvider, [], signatures)).toThrow(/release of 0x/)
  expect(() => concludeArguments({ ...oneProvider, isFinal: false }, signed, signatures)).toThrow(/not final/)
})
