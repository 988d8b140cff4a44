import { address, type Hex, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type ChannelFacts, payableChannels } from './hubs.js'

const facts = (byte: string, more: Partial<ChannelFacts> = {}): ChannelFacts => ({
  channelId: `0x${byte.repeat(32)}` as Hex,
  hub: address(`0x${'b1'.repeat(20)}`),
  nonce: 1,
  status: 'open',
  balance: wei(100n),
  exitAt: 0,
  isClosing: false,
  totals: [],
  ...more,
})

describe('channels to pay from', () => {
  it('are open, not on their way out, and not used up; the fullest first', () => {
    const found = payableChannels([
      facts('01', { balance: wei(10n) }),
      facts('02', { status: 'closed' }),
      facts('03', { exitAt: 5 }),
      facts('04', { isClosing: true }),
      facts('05', { totals: [{ signed: wei(100n), drawn: wei(0n) }] }),
      facts('06', { totals: [{ signed: wei(80n), drawn: wei(50n) }] }),
    ])
    expect(found.map(({ channelId, free }) => [channelId.slice(2, 4), free])).toEqual([
      ['06', 70n],
      ['01', 10n],
    ])
    // One that is refilled may be empty.
    expect(payableChannels([facts('05', { balance: wei(0n) })])).toEqual([])
    expect(payableChannels([facts('05', { balance: wei(0n) })], true)).toMatchObject([{ free: 0n }])
  })
})
