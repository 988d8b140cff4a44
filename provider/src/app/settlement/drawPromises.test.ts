import { type Address, type Hex, unixSeconds, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import type { StoredChannel } from '../../io/store/promiseStore.js'
import { drawPromises } from './drawPromises.js'
import type { SendingComponents } from './transactions.js'

const id = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`
const provider = `0x${'ab'.repeat(20)}` as Address

const channel = (number: number): StoredChannel => ({
  channelId: id(number),
  parties: { consumer: provider, hub: provider, nonce: number },
  promise: { amount: wei(10n), signature: '0x01', cleared: wei(0n), drawn: wei(0n), stamped: undefined },
  guarantee: {
    ...{ ceiling: wei(20n), expiresAt: unixSeconds(9_000), signature: '0x02' },
    receivedAt: unixSeconds(1),
  },
  released: undefined,
})

/** A chain that reverts a whole batch for one dead order in it, and keeps what was drawn. */
function chainWith(isDead: (nonce: number) => boolean) {
  const sent: number[][] = []
  const drawn = new Set<number>()
  const nonces = (orders: { parties: { nonce: number } }[]) => orders.map(({ parties }) => parties.nonce)
  const drawMany = {
    populateTransaction: (orders: never[]) => nonces(orders),
    staticCall: async (orders: never[]) => {
      if (nonces(orders).some(isDead)) throw new Error('GuaranteeExpired')
    },
  }
  const components = {
    identity: { address: provider },
    promises: { noteDrawn: () => undefined },
    settlements: { has: () => false },
    log: { warn: () => undefined, error: () => undefined },
    chain: {
      channels: {
        drawMany,
        channelOf: async () => ({ status: 1n, balance: 0n, exitAt: 0n }),
        tabOf: async () => ({ drawn: 0n, releasedUpTo: 0n, protested: 0n, protestEndsAt: 0n }),
      },
    },
    sender: {
      settleEarlier: async () => undefined,
      send: async (call: number[]) => {
        sent.push(call)
        if (call.some(isDead)) throw new Error('The chain refused: GuaranteeExpired')
        for (const nonce of call) drawn.add(nonce)
        return { receipt: { logs: [] } }
      },
    },
  } as unknown as SendingComponents
  return { components, sent, drawn }
}

describe('draws of many promises', () => {
  const channels = Array.from({ length: 120 }, (_, number) => channel(number))

  it('go on without the one that the chain refuses, and with the batches after it', async () => {
    const { components, drawn } = chainWith((nonce) => nonce === 7)
    const inBlock = await drawPromises(components, channels)
    expect(drawn.size).toBe(119)
    expect(inBlock.has(id(7))).toBe(false)
    expect(inBlock.has(id(8)) && inBlock.has(id(119))).toBe(true)
  })

  it('are left for later, and say so, when every one of a batch is refused', async () => {
    const { components, drawn } = chainWith((nonce) => nonce < 50)
    const inBlock = await drawPromises(components, channels)
    expect(drawn.size).toBe(70)
    expect([...inBlock].every((channelId) => Number(channelId) >= 50)).toBe(true)
  })

  it('cost one transaction a batch where nothing is dead', async () => {
    const { components, sent } = chainWith(() => false)
    await drawPromises(components, channels)
    expect(sent.map((batch) => batch.length)).toEqual([50, 50, 20])
  })
})
