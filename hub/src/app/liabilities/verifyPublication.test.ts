import { type Address, address, encodeMessage, type LiabilitiesPage, wei } from '@pontage/shared'
import { createIdentity, createTypedData, PrivateKey, sumTree } from '@pontage/shared/node'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readPublication, verifyAlone } from './verifyPublication.js'

const someone = (n: number): Address => address(`0x${n.toString(16).padStart(40, '0')}`)
const deployment = {
  chainId: 31_337,
  token: someone(91),
  registry: someone(92),
  channels: someone(93),
  marketplace: someone(94),
  fromBlock: 0,
}
const hub = createIdentity(new PrivateKey('07'.repeat(32)))
const typedData = createTypedData(deployment)

const leaves = fc
  .uniqueArray(
    fc.record({
      provider: fc.integer({ min: 1, max: 5_000 }).map(someone),
      total: fc.bigInt(2n, 2n ** 100n).map(wei),
      part: fc.bigInt(1n, 100n),
    }),
    { minLength: 1, maxLength: 20, selector: ({ provider }) => provider },
  )
  .map((all) =>
    all.map(({ provider, total, part }) => ({
      provider,
      total,
      outstanding: wei((total * part) / 100n || 1n),
    })),
  )

function published(owed: LiabilitiesPage['leaves']): LiabilitiesPage {
  const { root, sum, leaves: sorted } = sumTree(owed)
  const document = { hub: hub.address, root, sum, pool: wei(5n), blockNumber: 9 }
  return {
    chainId: deployment.chainId,
    channels: deployment.channels,
    publishedAt: 1,
    liabilities: typedData.signed('Liabilities', document, hub.privateKey),
    leaves: [...sorted],
  }
}
const isSound = (page: LiabilitiesPage) =>
  verifyAlone(readPublication(encodeMessage(page))).every(({ ok }) => ok)

it('finds nothing wrong with what is right', () => {
  fc.assert(
    fc.property(leaves, (owed) => {
      expect(isSound(published(owed))).toBe(true)
    }),
  )
})

it('finds whatever was changed afterwards', () => {
  fc.assert(
    fc.property(leaves, fc.nat(), fc.bigInt(1n, 50n), (owed, chance, by) => {
      const page = published(owed)
      const at = chance % page.leaves.length
      const changed = (change: (leaf: LiabilitiesPage['leaves'][number]) => LiabilitiesPage['leaves']) => ({
        ...page,
        leaves: page.leaves.flatMap((leaf, index) => (index === at ? change(leaf) : [leaf])),
      })
      const { liabilities } = page
      const tampered: LiabilitiesPage[] = [
        changed(() => []),
        changed((leaf) => [leaf, leaf]),
        changed((leaf) => [{ ...leaf, total: wei(leaf.total + by) }]),
        changed((leaf) => [{ ...leaf, outstanding: wei(leaf.outstanding - 1n) }]),
        changed((leaf) => [{ ...leaf, provider: someone(9_999) }]),
        { ...page, liabilities: { ...liabilities, sum: wei(liabilities.sum + by) } },
        { ...page, liabilities: { ...liabilities, pool: wei(liabilities.pool + by) } },
        { ...page, liabilities: { ...liabilities, blockNumber: 8 } },
        { ...page, liabilities: { ...liabilities, hub: someone(3) } },
        { ...page, chainId: 1 },
        { ...page, channels: someone(4) },
      ]
      for (const each of tampered) expect(isSound(each)).toBe(false)
      if (page.leaves.length > 1) expect(isSound({ ...page, leaves: [...page.leaves].reverse() })).toBe(false)
    }),
  )
})

it.each([
  ['x', /it is not JSON/],
  ['{}', /not a publication: chainId/],
  ['{"chainId":1,"channels":"0x"}', /not a publication: channels/],
])('explains that %s is none', (text, words) => {
  expect(() => readPublication(text)).toThrow(words)
})
