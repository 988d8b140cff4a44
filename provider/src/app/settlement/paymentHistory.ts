import { type Address, type Hex, wei } from '@pontage/shared'
import { findPayments, type Payment } from '../../io/chain/chainNews.js'
import type { Components } from '../components.js'

type HistoryParts = Pick<Components, 'chain' | 'identity' | 'promises' | 'settlements' | 'clock' | 'log'>

/**
 * Writes down what these payments were, one line for each transaction, kind and hub, with the gas if it was ours.
 * Each is written once, so it does not matter how often, and from where, one is seen.
 */
export async function recordPayments(components: HistoryParts, payments: readonly Payment[]): Promise<void> {
  const { chain, identity, promises, settlements, clock, log } = components
  promises.noteDrawn(
    payments.flatMap(({ channelId, total }) =>
      channelId === undefined ? [] : [{ channelId, amount: total }],
    ),
  )
  for (const { kind, hub, transaction, block, amount, total } of groups(components, payments)) {
    if (settlements.has(transaction, kind, hub)) continue
    const receipt = await chain.rpc.getTransactionReceipt(transaction)
    const isOurs = receipt?.from.toLowerCase() === identity.address
    const gasUsed = isOurs ? Number(receipt?.gasUsed ?? 0n) : 0
    const gasPrice = isOurs ? (receipt?.gasPrice ?? 0n) : 0n
    const at = clock.now()
    if (settlements.add({ kind, hub, amount, total, gasUsed, gasPrice, transaction, block, at }))
      log.info(kind === 'draw' ? (isOurs ? 'drew' : 'drawn for us') : 'redeemed', {
        ...{ hub, amount, total, transaction, gasUsed },
      })
  }
}

/** Blocks that may still be replaced: they are looked through again at the next start. */
const replaceable = 64

/** Looks through these blocks for payments, also those that others brought about, and remembers how far it came. */
export async function followPayments(components: HistoryParts, from: number, to: number): Promise<void> {
  const { chain, identity, settlements } = components
  for await (const { payments, through } of findPayments(chain, identity.address, from, to)) {
    await recordPayments(components, payments)
    settlements.follow(Math.max(0, through - replaceable))
  }
}

interface Group {
  readonly kind: 'draw' | 'redeem'
  readonly hub: Address
  readonly transaction: Hex
  readonly block: number
  readonly amount: ReturnType<typeof wei>
  readonly total: ReturnType<typeof wei>
}

/** Payments of one transaction and hub together; of a channel that we do not know there is nothing to say. */
function groups({ promises }: HistoryParts, payments: readonly Payment[]): Group[] {
  const found = new Map<string, Group>()
  for (const { kind, channelId, hub: payer, amount, total, transaction, block } of payments) {
    const hub = payer ?? (channelId && promises.channel(channelId)?.parties.hub)
    if (hub === undefined) continue
    const key = `${transaction} ${kind} ${hub}`
    const sum = wei((found.get(key)?.amount ?? 0n) + amount)
    found.set(key, { kind, hub, transaction, block, amount: sum, total: kind === 'draw' ? sum : total })
  }
  return [...found.values()]
}
