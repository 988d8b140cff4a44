import { address, type Hex, unixSeconds, wei } from '@pontage/shared'
import { expect, it } from 'vitest'
import { Cache } from './cache.js'
import type { ChannelRow } from './tables.js'

const channel = (n: number): ChannelRow => ({
  channelId: `0x${n.toString(16).padStart(64, '0')}`,
  consumer: address(`0x${'0c'.repeat(20)}`),
  nonce: n,
  status: 'open',
  balance: wei(100n),
  exitAt: unixSeconds(0),
  closing: false,
  tabs: [],
})
const byId = (...channels: readonly ChannelRow[]): ReadonlyMap<Hex, ChannelRow> =>
  new Map(channels.map((each) => [each.channelId, each]))
const [first, second] = [channel(1), channel(2)]
const place = { writes: 5, version: 77 }
const blockAt = 1_000

function cacheAt(): Cache {
  const cache = new Cache()
  cache.expect(place, blockAt)
  return cache
}

it('takes what was read beside a transaction while the ledger stands where it stood', () => {
  const cache = cacheAt()
  cache.offer(place, blockAt, byId(first))
  cache.expect(place, blockAt)
  expect(cache.channel(first.channelId)).toBe(first)
})

it.each([
  ['before another write', { ...place, writes: 4 }, blockAt],
  ['in another history', { ...place, version: 78 }, blockAt],
  ['under an older block, when other guarantees lived', place, blockAt - 1],
  ['under a younger block, which the chain may take back', place, blockAt + 1],
])('does not take what was read %s', (_when, at, block) => {
  const cache = cacheAt()
  cache.offer(at, block, byId(first))
  expect(cache.channel(first.channelId)).toBeUndefined()
})

it('takes nothing before it was told where the ledger stands', () => {
  const cache = new Cache()
  cache.offer(place, blockAt, byId(first))
  cache.expect(place, blockAt)
  expect(cache.channel(first.channelId)).toBeUndefined()
})

it('forgets nothing to have room: a transaction under way counts on what is there', () => {
  const cache = cacheAt()
  cache.keep(place, [first], [], [])
  const many = Array.from({ length: 100_000 }, (_, n) => channel(n + 2))
  cache.offer(place, blockAt, byId(...many))
  expect(cache.channel(first.channelId)).toBe(first)
  expect(cache.channel(second.channelId)).toBeUndefined()
})

it('forgets what was offered as soon as somebody else has written', () => {
  const cache = cacheAt()
  cache.offer(place, blockAt, byId(first))
  cache.expect({ writes: 6, version: 79 }, blockAt)
  expect(cache.channel(first.channelId)).toBeUndefined()
})
