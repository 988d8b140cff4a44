import { address, type Hex, unixSeconds, wei } from '@pontage/shared'
import { expect, it } from 'vitest'
import type { Ledger, Publication } from '../../io/ledger.js'
import type { Components } from '../components.js'
import { createPublisher } from './publisher.js'

const hub = address(`0x${'0a'.repeat(20)}`)
const provider = (n: number) => address(`0x${String(n).padStart(40, '0')}`)
const rootOf = (n: number): Hex => `0x${String(n).padStart(64, '0')}`
const publication = (n: number): Publication => ({
  liabilities: {
    ...{ hub, root: rootOf(n), sum: wei(1n), pool: wei(1n), blockNumber: n, signature: '0x01' },
  },
  leaves: Array.from({ length: 100 }, (_, index) => ({
    ...{ provider: provider(index), total: wei(10n), outstanding: wei(1n) },
  })),
  publishedAt: unixSeconds(n),
})

it('reads a publication once, however many ask for leaves, and shows leaves of the newest four alone', async () => {
  const read: number[] = []
  const ledger = {
    newestPublications: async (most: number) =>
      [48, 47, 46, 45, 44].slice(0, most).map((n) => ({ root: rootOf(n), blockNumber: n })),
    publication: async (of: { blockNumber: number }) => {
      read.push(of.blockNumber)
      return publication(of.blockNumber)
    },
  } as Pick<Ledger, 'newestPublications' | 'publication'>
  const publisher = createPublisher({ ledger } as unknown as Components, async () => ({ ok: true }))
  const leafOf = (n: number, of?: number) =>
    publisher.liability({
      provider: provider(n),
      ...(of === undefined ? {} : { root: rootOf(of), blockNumber: of }),
    })
  const answers = await Promise.all(Array.from({ length: 500 }, (_, n) => leafOf(n % 100)))
  expect(answers.every((answer) => answer.ok && answer.value.proof?.leaf.outstanding === 1n)).toBe(true)
  expect(read).toEqual([48])
  expect(await leafOf(7, 45)).toMatchObject({ ok: true, value: { liabilities: { blockNumber: 45 } } })
  expect(await leafOf(7, 44)).toMatchObject({ refusal: { code: 'unknown-publication' } })
  expect(read).toEqual([48, 45])
  // A whole one is there for longer.
  expect(await publisher.whole({ root: rootOf(44), blockNumber: 44 })).toMatchObject({ ok: true })
})
