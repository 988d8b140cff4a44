import type { Address, Hex } from '@pontage/shared'
import { intentOf, readChannel, readTab } from '@pontage/shared/node'
import type { TransactionRequest } from 'ethers'
import type { ChannelLine } from '../../core/channelLine.js'
import { isWorthSettling } from '../../core/protestPolicy.js'
import type { ChainUpdate } from '../../io/ledger.js'
import type { Components } from '../components.js'
import { gasCost } from '../gasCost.js'
import type { DrawScheduler } from './drawScheduler.js'

/** Watches protests on the hub's channels: what it stands for is drawn before, the rest it settles after. */
export interface Watchtower {
  /** Takes in what changed, and settles what is ripe, without making anybody wait. */
  note(update: ChainUpdate): void
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>
}

export function createWatchtower(
  components: Components,
  drawScheduler: Pick<DrawScheduler, 'drawFrom'>,
): Watchtower {
  const { ledger, log } = components
  /** Providers that protest, by channel. The ledger is read for them once, at the first look. */
  let protests: Map<Hex, Set<Address>> | undefined
  let looking: Promise<void> | undefined

  async function readAll(): Promise<Map<Hex, Set<Address>>> {
    const found = new Map<Hex, Set<Address>>()
    for (const { channelId, provider } of await ledger.protests())
      found.set(channelId, (found.get(channelId) ?? new Set()).add(provider))
    return found
  }

  async function look(at: number): Promise<void> {
    protests ??= await readAll()
    if (protests.size === 0 || !(await ledger.leads())) return
    for (const [channelId, providers] of protests)
      for (const provider of providers) {
        const isOver = await settle(components, drawScheduler, { channelId, provider, at })
        if (isOver) providers.delete(provider)
        if (providers.size === 0) protests.delete(channelId)
      }
  }

  return {
    note({ tabs, cursor }) {
      for (const { channelId, provider, protested } of tabs)
        if (protested > 0n && protests)
          protests.set(channelId, (protests.get(channelId) ?? new Set()).add(provider))
      looking ??= look(cursor.at)
        .catch((error) => log.warn('protest not settled', { reason: (error as Error).message }))
        .finally(() => {
          looking = undefined
        })
    },
    idle: async () => looking,
  }
}

/** @returns whether there is no such protest any more. */
async function settle(
  components: Components,
  drawScheduler: Pick<DrawScheduler, 'drawFrom'>,
  { channelId, provider, at }: { channelId: Hex; provider: Address; at: number },
): Promise<boolean> {
  const { ledger, chain, identity, sender, log } = components
  const line = await ledger.channel(channelId)
  const { protestEndsAt } = await readTab(chain, channelId, provider)
  if (line?.status !== 'open' || protestEndsAt === 0) return true
  if (at < protestEndsAt) return false
  const parties = { consumer: line.consumer, hub: identity.address, nonce: line.nonce }
  const call = await chain.channels.settleProtest.populateTransaction(parties, provider)
  // A protest that nobody would settle is no reason to draw: it may stand for ever, and small clears with it.
  if (!(await isWorth(components, line, provider, call))) return false
  // What the hub stands for comes first: whoever protests may take the last that the channel holds.
  await drawScheduler.drawFrom(channelId)
  const tab = await readTab(chain, channelId, provider)
  if (tab.protestEndsAt === 0) return true
  if (!(await isWorth(components, line, provider, call))) return false
  const { transaction, gasUsed } = await sender.send(
    call,
    intentOf('settle', channelId, provider, `${tab.protested}`, `${tab.protestEndsAt}`),
  )
  log.info('settled a protest', { channelId, provider, amount: tab.protested, transaction, gasUsed })
  return true
}

/** Whether the newest block makes it worth settling a ripe protest. */
async function isWorth(
  components: Components,
  { channelId, exitAt, closing }: ChannelLine,
  provider: Address,
  call: TransactionRequest,
): Promise<boolean> {
  const { ledger, chain, identity } = components
  const [tab, { balance }, gas, { feeBps }] = await Promise.all([
    readTab(chain, channelId, provider),
    readChannel(chain, channelId),
    chain.rpc.estimateGas({ ...call, from: identity.address }),
    ledger.standing(),
  ])
  const protest = {
    protested: tab.protested,
    drawn: tab.drawn,
    balance,
    isEnding: exitAt !== 0 || closing,
  }
  return isWorthSettling(protest, feeBps, (await gasCost(components))(gas))
}
