import {
  type Address,
  address,
  type Hex,
  roles,
  type UnixSeconds,
  unixSeconds,
  type Wei,
  type WeiPerHour,
  type WeiPerMegabyte,
  wei,
} from '@pontage/shared'
import { type Chain, pricesFrom } from '@pontage/shared/node'

/** What the chain says of a channel and of what was drawn from it for us. */
export interface ChannelOnChain {
  readonly isOpen: boolean
  readonly isClosed: boolean
  readonly balance: Wei
  /** Zero while its consumer has not requested to leave. */
  readonly exitAt: number
  readonly drawn: Wei
  readonly releasedUpTo: number
  /** What is protested, and when its window ends; both zero without a protest. */
  readonly protested: Wei
  readonly protestEndsAt: number
}

export async function readChannel(
  chain: Chain,
  channelId: Hex,
  provider: Address,
  blockTag: number | 'latest' = 'latest',
): Promise<ChannelOnChain> {
  const [channel, tab] = await Promise.all([
    chain.channels.channelOf(channelId, { blockTag }),
    chain.channels.tabOf(channelId, provider, { blockTag }),
  ])
  return {
    isOpen: channel.status === 1n,
    isClosed: channel.status === 2n,
    balance: wei(channel.balance),
    exitAt: Number(channel.exitAt),
    drawn: wei(tab.drawn),
    releasedUpTo: Number(tab.releasedUpTo),
    protested: wei(tab.protested),
    protestEndsAt: Number(tab.protestEndsAt),
  }
}

/** Our account with a hub: what was drawn for us, net, and what was paid out. */
export async function readAccount(
  chain: Chain,
  hub: Address,
  provider: Address,
  blockTag: number | 'latest' = 'latest',
): Promise<{ credited: Wei; paid: Wei; missing: bigint; feeBps: number }> {
  const [account, feeBps] = await Promise.all([
    chain.channels.accountOf(hub, provider, { blockTag }),
    chain.channels.feeOf(hub, { blockTag }),
  ])
  return {
    credited: wei(account.credited),
    paid: wei(account.paid),
    missing: account.missing + account.guaranteedMissing,
    feeBps: Number(feeBps),
  }
}

/** An identity as far as dealing with it depends on it. */
export interface StandingOnChain {
  readonly roles: number
  readonly activeRoles: number
  readonly stake: Wei
  readonly unbonding: Wei
  readonly faults: number
  readonly debt: bigint
  readonly beneficiary: Address
  readonly url: string
  /** Unix seconds; zero for one that never registered. */
  readonly registeredAt: number
}

export async function readStanding(chain: Chain, identity: Address): Promise<StandingOnChain> {
  const standing = await chain.registry.standingOf(identity)
  return {
    roles: Number(standing.roles),
    activeRoles: Number(standing.activeRoles),
    stake: wei(standing.stake),
    unbonding: wei(standing.unbonding),
    faults: Number(standing.faults),
    debt: standing.debt,
    beneficiary: address(standing.beneficiary),
    url: standing.url,
    registeredAt: Number(standing.registeredAt),
  }
}

/** A hub's standing and liquidity. */
export interface HubOnChain extends StandingOnChain {
  readonly pool: Wei
  readonly pendingWithdrawal: Wei
  /** When an announced higher fee takes effect; zero without one. */
  readonly feeChangesAt: number
}

export async function readHub(chain: Chain, hub: Address): Promise<HubOnChain> {
  const [standing, view] = await Promise.all([readStanding(chain, hub), chain.channels.hubOf(hub)])
  return {
    ...standing,
    pool: wei(view.pool),
    pendingWithdrawal: wei(view.pendingWithdrawal),
    feeChangesAt: Number(view.feeChangesAt),
  }
}

/** Whether an identity has a role, with stake enough and no debt. */
export const isActive = (standing: StandingOnChain, role: keyof typeof roles): boolean =>
  (standing.activeRoles & roles[role]) !== 0

/** The contract's delays, in seconds: longest life of a guarantee that a draw honours, window of a protest. */
export async function readDelays(chain: Chain): Promise<{ maxGuarantee: number; protestWindow: number }> {
  const { maxGuarantee, protestWindow } = await chain.channels.settings()
  return { maxGuarantee: Number(maxGuarantee), protestWindow: Number(protestWindow) }
}

/** Our offer on chain. */
export async function readOffer(
  chain: Chain,
  provider: Address,
): Promise<{
  live: boolean
  issuedAt: UnixSeconds
  pricePerMegabyte: WeiPerMegabyte
  pricePerHour: WeiPerHour
  nextAt: number
}> {
  const offer = await chain.marketplace.offerOf(provider)
  return {
    live: offer.live,
    issuedAt: unixSeconds(Number(offer.issuedAt)),
    ...pricesFrom(offer),
    nextAt: Number(offer.nextAt),
  }
}
