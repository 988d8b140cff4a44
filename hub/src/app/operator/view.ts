import type { Address, Wei } from '@pontage/shared'
import type { Chain, OutboxEntry, RpcStanding } from '@pontage/shared/node'
import type { Interface } from 'ethers'
import { poolFree } from '../../core/solvency.js'
import type { Components } from '../components.js'
import type { Services } from '../services.js'
import type { Counts, Metrics } from './metrics.js'

/** How a running hub stands, for its operator: what `status --json` tells of it. */
export interface HubView extends Counts {
  readonly hub: Address
  /** Connected identities. */
  readonly connections: number
  readonly channels: number
  readonly collateral: Wei
  readonly promised: Wei
  readonly owed: Wei
  readonly undrawn: Wei
  readonly pool: Wei
  readonly pendingWithdrawal: Wei
  /** What would be left of the pool if every provider redeemed now; negative if it is short. */
  readonly spare: bigint
  /** Whether a channel is being left or protested. */
  readonly urgent: boolean
  readonly feeBps: number
  readonly relayFee: Wei
  /** Null until it was read. */
  readonly gasCoins: bigint | null
  readonly chain: {
    readonly head: number | null
    readonly headAt: number | null
    /** Block up to which the ledger has followed. */
    readonly followed: number | null
    readonly unseenSeconds: number
    readonly nodes: readonly RpcStanding[]
  }
  /** Transactions under way, the oldest first. */
  readonly transactions: readonly {
    readonly does: string | null
    readonly state: string
    readonly transaction: string | null
  }[]
  /** What it published last of what it owes; null where it did not. */
  readonly publication: {
    readonly publishedAt: number
    readonly blockNumber: number
    readonly sum: Wei
    readonly providers: number
  } | null
}

export async function viewOf(components: Components, services: Services, metrics: Metrics): Promise<HubView> {
  const { ledger, chain, watch, identity, peers, settings } = components
  const [tally, cursor, open, counts, published] = await Promise.all([
    ledger.tally(),
    ledger.cursor(),
    ledger.outbox.open(),
    metrics.counts(),
    services.publisher.newest(),
  ])
  const { pool, owed } = tally
  const head = watch.head()
  return {
    hub: identity.address,
    connections: peers.count,
    channels: tally.channels,
    collateral: tally.collateral,
    promised: tally.promised,
    owed,
    undrawn: tally.undrawn,
    pool: pool.balance,
    pendingWithdrawal: pool.pendingWithdrawal,
    spare: poolFree(pool) - owed,
    urgent: tally.urgent,
    feeBps: pool.feeBps,
    relayFee: settings.relayFee,
    gasCoins: services.gas.balance() ?? null,
    ...counts,
    chain: {
      head: head?.number ?? null,
      headAt: head?.at ?? null,
      followed: cursor?.number ?? null,
      unseenSeconds: watch.unseenSeconds(),
      nodes: chain.rpc.nodes,
    },
    transactions: open.map((entry) => ({
      does: functionOf(chain, entry),
      state: entry.state,
      transaction: entry.versions.at(-1)?.hash ?? null,
    })),
    publication:
      published === undefined
        ? null
        : {
            publishedAt: published.publishedAt,
            blockNumber: published.liabilities.blockNumber,
            sum: published.liabilities.sum,
            providers: published.leaves.length,
          },
  }
}

/** Name of the contract's function that a transaction calls; null where it is none of ours. */
function functionOf({ channels, registry, token }: Chain, { call }: OutboxEntry): string | null {
  const interfaces: readonly Interface[] = [channels, registry, token].map((contract) => contract.interface)
  const found = interfaces.map((each) => each.getFunction(call.data.slice(0, 10)))
  return found.find((each) => each !== null)?.name ?? null
}
