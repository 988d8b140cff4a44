import { countOf, explain, type LiabilitiesPage, liabilitiesPage, wei } from '@pontage/shared'
import {
  type Chain,
  createTypedData,
  inTokens,
  readAccounts,
  readHub,
  readStanding,
  sumTree,
  UserError,
} from '@pontage/shared/node'
import { type AccountThen, contradictions, coverOf } from '../../core/publicationCheck.js'
import { findAnchor } from './anchors.js'

/** One thing that was looked at. */
export interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly says: string
}

/** @throws UserError when it is none. */
export function readPublication(text: string): LiabilitiesPage {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new UserError(
      'This is not a publication: it is not JSON. Give the address of a hub, or a saved page.',
      {
        cause,
      },
    )
  }
  const parsed = liabilitiesPage.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UserError(
    `This is not a publication: ${issue?.path.join('.')}: ${issue?.message}. Give the address of a hub, or a saved page.`,
  )
}

/** Computes everything again that can be, without asking anybody. */
export function verifyAlone(published: LiabilitiesPage): Finding[] {
  const { liabilities, leaves, chainId, channels } = published
  const checks: Record<string, () => string> = {
    tree: () => {
      const tree = sumTree(leaves)
      const ordered = leaves.every(({ provider }, index) => provider === tree.leaves[index]?.provider)
      if (!ordered) throw new Error('the leaves are not sorted by provider')
      if (leaves.some(({ outstanding }) => outstanding === 0n)) throw new Error('a leaf owes nothing')
      if (tree.root !== liabilities.root)
        throw new Error(`the leaves have the root ${tree.root}, but ${liabilities.root} was published`)
      if (tree.sum !== liabilities.sum)
        throw new Error(`the leaves add up to ${tree.sum} wei, but ${liabilities.sum} wei was published`)
      return `${countOf(leaves.length, 'provider')}, ${tree.sum} wei outstanding, root ${tree.root}`
    },
    signature: () => {
      // Only the contract in its domain counts for this document; the others take part in none of it.
      const domain = {
        chainId,
        channels,
        registry: channels,
        marketplace: channels,
        token: channels,
        fromBlock: 0,
      }
      const signed = createTypedData(domain).check('Liabilities', liabilities, liabilities.hub)
      if (!signed.ok) throw new Error(explain(signed.refusal))
      return `by hub ${liabilities.hub}, for the contracts ${channels} on chain ${chainId}`
    },
  }
  return Object.entries(checks).map(([check, look]) => {
    try {
      return { check, ok: true, says: look() }
    } catch (error) {
      return { check, ok: false, says: (error as Error).message }
    }
  })
}

/** Compares a publication with the chain, at the block it names. */
export async function verifyOnChain(chain: Chain, published: LiabilitiesPage): Promise<Finding[]> {
  const { liabilities, leaves } = published
  const { hub, blockNumber } = liabilities
  let accounts: readonly AccountThen[] = []
  const checks: Record<string, () => Promise<string>> = {
    deployment: async () => {
      const { chainId, channels } = chain.deployment
      if (published.chainId !== chainId || published.channels !== channels)
        throw new Error(
          `it is for ${published.channels} on chain ${published.chainId}, not for ${channels} on chain ${chainId}`,
        )
      return `chain ${chainId}, contracts ${channels}`
    },
    anchor: async () => {
      const anchored = await findAnchor(chain, liabilities)
      if (!anchored)
        throw new Error(
          'the hub did not anchor this root on chain: others may have been shown a different one',
        )
      return `in block ${anchored.blockNumber}, transaction ${anchored.transaction}`
    },
    paid: async () => {
      const providers = leaves.map(({ provider }) => provider)
      const views = await readAccounts(chain, hub, providers, blockNumber)
      accounts = views.map((view, index) => ({ provider: providers[index] ?? hub, ...view }))
      const [first, ...more] = contradictions(leaves, accounts)
      if (first) throw new Error(`${first}${more.length > 0 ? `, and ${more.length} more` : ''}`)
      return `what each provider was paid up to block ${blockNumber} matches the chain`
    },
    cover: async () => {
      const [view, standing] = await Promise.all([
        readHub(chain, hub, blockNumber),
        readStanding(chain, hub, blockNumber),
      ])
      if (view.pool !== liabilities.pool)
        throw new Error(
          `its pool was ${view.pool} wei at block ${blockNumber}, but it published ${liabilities.pool} wei`,
        )
      const cover = coverOf(leaves, accounts, {
        balance: view.pool,
        pendingWithdrawal: view.pendingWithdrawal,
        stake: wei(standing.stake + standing.unbonding),
      })
      const figures = `${inTokens(chain, cover.advance)} to advance, ${inTokens(chain, cover.free)} free in the pool, ${inTokens(chain, cover.stake)} at stake`
      if (cover.by === 'nothing') throw new Error(`pool and stake do not cover it: ${figures}`)
      return `by the ${cover.by}: ${figures}`
    },
  }
  const findings: Finding[] = []
  for (const [check, look] of Object.entries(checks))
    findings.push(
      await look().then(
        (says) => ({ check, ok: true, says }),
        (error: Error) => ({ check, ok: false, says: plain(error, blockNumber) }),
      ),
    )
  return findings
}

/** A node that has thrown old state away says so in many ways. */
const plain = ({ message }: Error, block: number): string =>
  /missing trie node|historical state|pruned|state .*not available|BlockOutOfRange/i.test(message)
    ? `the node no longer has the state at block ${block}: use a newer publication, or a node that has it`
    : message.slice(0, 300)
