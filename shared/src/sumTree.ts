import { type Address, bytes32, type Hex, type Wei, wei } from './units.js'

/** What a hub says it owes one provider. */
export interface Owed {
  readonly provider: Address
  /** Its promise. */
  readonly total: Wei
  /** What of it was not paid out yet. */
  readonly outstanding: Wei
}

/** The end of a branch, and the sum of what hangs on it. */
export interface SumNode {
  readonly hash: Hex
  readonly sum: bigint
}

/** A tree whose root commits to every leaf and to their sum. */
export interface SumTree {
  readonly root: Hex
  readonly sum: Wei
  /** In the order of the tree: by provider. */
  readonly leaves: readonly Owed[]
  /** The nodes beside the way from a leaf to the top, from below; undefined when the provider has no leaf. */
  proofOf(provider: Address): SumProof | undefined
}

/** One leaf and what it takes to compute root and sum from it. */
export interface SumProof {
  readonly leaf: Owed
  readonly index: number
  /** Leaves of the tree, without padding. */
  readonly count: number
  readonly path: readonly SumNode[]
}

/** Builds such trees, and checks what leads to their roots. */
export interface SumTrees {
  /**
   * Builds the tree of what a hub owes (docs/protocol.md, Proof of liabilities). Leaves are sorted by provider, and
   * filled up to a power of two with padding that is worth nothing.
   *
   * @throws RangeError when a provider comes twice, a leaf has more outstanding than its total, or the sum is too large.
   */
  sumTree(owed: readonly Owed[]): SumTree
  /** Whether a proof leads from its leaf to exactly this root and this sum. Takes whatever was received. */
  provesSum(proof: SumProof, root: Hex, sum: bigint): boolean
}

// Each kind of hash begins with a byte of its own, so that none can be taken for another.
const leafTag = '00'
const nodeTag = '01'
const paddingTag = '02'
const rootTag = '03'
const maxSum = 2n ** 256n

const word = (amount: bigint): string => amount.toString(16).padStart(64, '0')
const digits = (hex: Hex): string => hex.slice(2)

/** Levels above the leaves. */
const depthOf = (count: number): number => (count <= 1 ? 0 : Math.ceil(Math.log2(count)))

/** @param keccak256 - Of bytes in hexadecimal: a program and a browser have it from different libraries. */
export function sumTrees(keccak256: (data: Hex) => Hex): SumTrees {
  const hash = (tag: string, ...parts: readonly string[]): Hex => keccak256(`0x${tag}${parts.join('')}`)
  const padding: SumNode = { hash: hash(paddingTag), sum: 0n }
  const leafNode = ({ provider, total, outstanding }: Owed): SumNode => ({
    hash: hash(leafTag, digits(provider), word(total), word(outstanding)),
    sum: outstanding,
  })
  /** Both sums are hashed, not only what they come to: else one side could take from the other. */
  const parent = (left: SumNode, right: SumNode): SumNode => ({
    hash: hash(nodeTag, digits(left.hash), word(left.sum), digits(right.hash), word(right.sum)),
    sum: left.sum + right.sum,
  })
  const rootOf = (top: SumNode, count: number): Hex =>
    hash(rootTag, word(BigInt(count)), digits(top.hash), word(top.sum))

  function levelsAbove(leaves: readonly Owed[]): SumNode[][] {
    const width = 2 ** depthOf(leaves.length)
    const levels: SumNode[][] = [
      Array.from({ length: width }, (_, index) => {
        const leaf = leaves[index]
        return leaf ? leafNode(leaf) : padding
      }),
    ]
    for (let below = levels[0] ?? []; below.length > 1; below = levels.at(-1) ?? []) {
      const level: SumNode[] = []
      for (let index = 0; index < below.length; index += 2)
        level.push(parent(below[index] ?? padding, below[index + 1] ?? padding))
      levels.push(level)
    }
    return levels
  }

  return {
    sumTree(owed) {
      const leaves = inOrder(owed)
      const levels = levelsAbove(leaves)
      const top = levels.at(-1)?.[0] ?? padding
      const indexOf = new Map(leaves.map(({ provider }, index) => [provider, index]))
      if (top.sum >= maxSum) throw new RangeError(`A sum of ${top.sum} does not fit into 256 bits.`)
      return {
        root: rootOf(top, leaves.length),
        sum: wei(top.sum),
        leaves,
        proofOf(provider) {
          const index = indexOf.get(provider)
          const leaf = index === undefined ? undefined : leaves[index]
          if (index === undefined || !leaf) return undefined
          const path = levels.slice(0, -1).map((level, height) => level[(index >> height) ^ 1] ?? padding)
          return { leaf, index, count: leaves.length, path }
        },
      }
    },

    provesSum({ leaf, index, count, path }, root, sum) {
      if (!Number.isSafeInteger(count) || !Number.isSafeInteger(index) || index < 0 || index >= count)
        return false
      if (path.length !== depthOf(count)) return false
      if (leaf.outstanding < 0n || leaf.outstanding > leaf.total || leaf.total >= maxSum) return false
      let node = leafNode(leaf)
      for (const [height, sibling] of path.entries()) {
        // A sum beyond 256 bits would begin again at zero where it is hashed.
        if (sibling.sum < 0n || node.sum + sibling.sum >= maxSum) return false
        const isRight = Math.floor(index / 2 ** height) % 2 === 1
        node = isRight ? parent(sibling, node) : parent(node, sibling)
      }
      return node.sum === sum && rootOf(node, count) === bytes32(root)
    },
  }
}

/** By provider. @throws RangeError when one comes twice, or has more outstanding than its total */
function inOrder(owed: readonly Owed[]): Owed[] {
  const leaves = [...owed].sort((a, b) => (a.provider < b.provider ? -1 : a.provider > b.provider ? 1 : 0))
  for (const [index, leaf] of leaves.entries()) {
    if (leaf.provider === leaves[index + 1]?.provider)
      throw new RangeError(`Provider ${leaf.provider} has two leaves.`)
    if (leaf.outstanding < 0n || leaf.outstanding > leaf.total || leaf.total >= maxSum)
      throw new RangeError(
        `The leaf of ${leaf.provider} has ${leaf.outstanding} outstanding of ${leaf.total}.`,
      )
  }
  return leaves
}
