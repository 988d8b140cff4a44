import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { address, type Hex, wei } from '../../units.js'
import { type Owed, provesSum, type SumProof, sumTree } from './sumTree.js'

const provider = (n: number) => address(`0x${n.toString(16).padStart(40, '0')}`)
const leaf = fc
  .record({ total: fc.bigInt(0n, 2n ** 128n), part: fc.integer({ min: 0, max: 1_000 }) })
  .map(({ total, part }) => ({ total: wei(total), outstanding: wei((total * BigInt(part)) / 1_000n) }))
const owed = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 10_000 }), leaf), {
    minLength: 1,
    maxLength: 40,
    selector: ([n]) => n,
  })
  .map((entries): Owed[] => entries.map(([n, each]) => ({ provider: provider(n), ...each })))
const proofIn = (tree: ReturnType<typeof sumTree>, of: Owed): SumProof => {
  const proof = tree.proofOf(of.provider)
  if (!proof) throw new Error('There is no such leaf.')
  return proof
}
const pick = <Entry>(entries: readonly Entry[], chance: number): Entry => {
  const entry = entries[chance % entries.length]
  if (entry === undefined) throw new Error('There is nothing to pick.')
  return entry
}

describe('a tree of what is owed', () => {
  it('is the same whatever order its leaves come in, and proves each of them', () => {
    fc.assert(
      fc.property(owed, (leaves) => {
        const tree = sumTree(leaves)
        expect(sumTree([...leaves].reverse()).root).toBe(tree.root)
        expect(tree.sum).toBe(leaves.reduce((sum, { outstanding }) => sum + outstanding, 0n))
        for (const each of leaves) expect(provesSum(proofIn(tree, each), tree.root, tree.sum)).toBe(true)
        expect(tree.proofOf(provider(20_000))).toBe(undefined)
      }),
    )
  })

  it('has another root when a leaf is left out, added, or says something else', () => {
    fc.assert(
      fc.property(owed, fc.nat(), fc.bigInt(1n, 100n), (leaves, chance, more) => {
        const { root } = sumTree(leaves)
        const one = pick(leaves, chance)
        const others = leaves.filter((each) => each !== one)
        expect(sumTree(others).root).not.toBe(root)
        expect(sumTree([...others, { ...one, total: wei(one.total + more) }]).root).not.toBe(root)
        const less = { ...one, outstanding: wei(one.outstanding / 2n) }
        if (less.outstanding !== one.outstanding) expect(sumTree([...others, less]).root).not.toBe(root)
        const extra = { provider: provider(20_000), total: wei(0n), outstanding: wei(0n) }
        expect(sumTree([...leaves, extra]).root).not.toBe(root)
      }),
    )
  })

  it('lets no proof pass of which anything was changed', () => {
    fc.assert(
      fc.property(owed, fc.nat(), fc.nat(), fc.bigInt(1n, 2n ** 130n), (leaves, chance, place, by) => {
        const tree = sumTree(leaves)
        const proof = proofIn(tree, pick(leaves, chance))
        const passes = (changed: Partial<SumProof>, root = tree.root, sum: bigint = tree.sum) =>
          provesSum({ ...proof, ...changed }, root, sum)
        expect(passes({}, tree.root, tree.sum + by)).toBe(false)
        expect(passes({}, `0x${'00'.repeat(32)}`)).toBe(false)
        expect(passes({ leaf: { ...proof.leaf, provider: provider(20_000) } })).toBe(false)
        expect(passes({ leaf: { ...proof.leaf, total: wei(proof.leaf.total + by) } })).toBe(false)
        expect(passes({ count: proof.count + 1 })).toBe(false)
        expect(passes({ index: proof.index + 2 ** proof.path.length })).toBe(false)
        if (proof.count > 1) expect(passes({ index: proof.index ^ 1 })).toBe(false)
        expect(passes({ path: [...proof.path, { hash: tree.root, sum: 0n }] })).toBe(false)
        if (proof.path.length === 0) return
        expect(passes({ path: proof.path.slice(1) })).toBe(false)
        const at = place % proof.path.length
        const withNode = (change: (node: { hash: Hex; sum: bigint }) => { hash: Hex; sum: bigint }) =>
          proof.path.map((node, index) => (index === at ? change(node) : node))
        const raised = withNode((node) => ({ ...node, sum: node.sum + by }))
        expect(passes({ path: raised })).toBe(false)
        expect(passes({ path: raised }, tree.root, tree.sum + by)).toBe(false)
        expect(passes({ path: withNode((node) => ({ ...node, hash: tree.root })) })).toBe(false)
      }),
    )
  })

  it('hides nothing behind a negative or an overflowing sum', () => {
    const two = sumTree([
      { provider: provider(1), total: wei(100n), outstanding: wei(100n) },
      { provider: provider(2), total: wei(50n), outstanding: wei(50n) },
    ])
    const proof = proofIn(two, { provider: provider(1) } as Owed)
    const [sibling] = proof.path
    const forged = (sum: bigint) => ({ ...proof, path: [{ hash: sibling?.hash ?? '0x', sum }] })
    expect(provesSum(forged(-100n), two.root, 0n)).toBe(false)
    expect(provesSum(forged(2n ** 256n - 100n), two.root, 0n)).toBe(false)
    expect(() => sumTree([{ provider: provider(1), total: wei(1n), outstanding: wei(2n) }])).toThrow(
      /2 outstanding of 1/,
    )
    expect(() => sumTree([two.leaves[0], two.leaves[0]] as Owed[])).toThrow(/two leaves/)
  })

  it('takes no inner node for a leaf, and has a root without any leaf', () => {
    const empty = sumTree([])
    expect([empty.sum, empty.leaves]).toEqual([0n, []])
    expect(empty.root).not.toBe(
      sumTree([{ provider: provider(1), total: wei(0n), outstanding: wei(0n) }]).root,
    )
  })
})
