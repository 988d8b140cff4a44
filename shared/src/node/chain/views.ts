import type { Document } from '../../documents.js'
import type { Price } from '../../pricing.js'
import { printable } from '../../printable.js'
import {
  type Address,
  address,
  type Hex,
  type UnixSeconds,
  unixSeconds,
  type Wei,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '../../units.js'
import type { Chain } from './chain.js'
import { pricesFrom } from './proposal.js'

// What the contracts say, in the project's types. Times are Unix seconds, zero where nothing is set. Every reader takes
// the block it reads at; left out: the newest. All throw when the chain does not answer.

type At = number | 'latest'
type Registry = Pick<Chain, 'registry'>
type Channels = Pick<Chain, 'channels'>

/** Bytes of a word in what a contract returns. */
const word = 32

/** Identities, tabs or accounts asked for in one call. */
const inCall = 100

/** A channel as it is stored; `none` where it was never opened. */
export interface ChannelOnChain {
  readonly status: 'none' | 'open' | 'closed'
  readonly balance: Wei
  /** When its consumer may take the rest. */
  readonly exitAt: UnixSeconds
  readonly openProtests: number
}

const statusNames = ['none', 'open', 'closed'] as const

export async function readChannel(
  { channels }: Channels,
  channelId: Hex,
  blockTag: At = 'latest',
): Promise<ChannelOnChain> {
  const view = await channels.channelOf(channelId, { blockTag })
  const status = statusNames[Number(view.status)]
  if (status === undefined) throw new Error(`The contract has an unknown channel status: ${view.status}.`)
  return {
    status,
    balance: wei(view.balance),
    exitAt: unixSeconds(Number(view.exitAt)),
    openProtests: Number(view.openProtests),
  }
}

/** What the token refused to pay an owner, and the nonce that the next signed collection of it carries. */
export async function readWithheld(
  { channels }: Channels,
  owner: Address,
): Promise<{ readonly amount: Wei; readonly nonce: bigint }> {
  const { amount, nonce } = await channels.withheldOf(owner)
  return { amount: wei(amount), nonce }
}

/** What a channel holds for one provider. */
export interface TabOnChain {
  readonly drawn: Wei
  readonly releasedUpTo: number
  /** The promise protested, and when its window ends; both zero without a protest. */
  readonly protested: Wei
  readonly protestEndsAt: number
  /** What a settled protest lacked. */
  readonly missingByConsumer: Wei
}

export async function readTab(
  chain: Channels,
  channelId: Hex,
  provider: Address,
  at: At = 'latest',
): Promise<TabOnChain> {
  return tabFrom(await chain.channels.tabOf(channelId, provider, { blockTag: at }))
}

/** Tabs of one channel, in the order of the providers. */
export const readTabs = (
  { channels }: Channels,
  channelId: Hex,
  providers: readonly Address[],
  blockTag: At = 'latest',
): Promise<TabOnChain[]> =>
  inPieces(providers, async (some) => (await channels.tabsOf(channelId, some, { blockTag })).map(tabFrom))

const tabFrom = (raw: Awaited<ReturnType<Chain['channels']['tabOf']>>): TabOnChain => ({
  drawn: wei(raw.drawn),
  releasedUpTo: Number(raw.releasedUpTo),
  protested: wei(raw.protested),
  protestEndsAt: Number(raw.protestEndsAt),
  missingByConsumer: wei(raw.missingByConsumer),
})

/** A provider's account with a hub: what was drawn for it, net, what was paid out to it, and what could not be. */
export interface AccountOnChain {
  readonly credited: Wei
  readonly paid: Wei
  readonly missing: Wei
}

export async function readAccount(
  chain: Channels,
  hub: Address,
  provider: Address,
  at: At = 'latest',
): Promise<AccountOnChain> {
  return accountFrom(await chain.channels.accountOf(hub, provider, { blockTag: at }))
}

/** Accounts with one hub, in the order of the providers. */
export const readAccounts = (
  { channels }: Channels,
  hub: Address,
  providers: readonly Address[],
  blockTag: At = 'latest',
): Promise<AccountOnChain[]> =>
  inPieces(providers, async (some) => (await channels.accountsOf(hub, some, { blockTag })).map(accountFrom))

const accountFrom = (raw: Awaited<ReturnType<Chain['channels']['accountOf']>>): AccountOnChain => ({
  credited: wei(raw.credited),
  paid: wei(raw.paid),
  missing: wei(raw.missing + raw.guaranteedMissing),
})

/** An identity's stake, roles and record. */
export interface StandingOnChain {
  /** Bits of `roles`: registered for, and of those the ones that stake and debt allow. */
  readonly roles: number
  readonly activeRoles: number
  readonly stake: Wei
  readonly unbonding: Wei
  readonly unbondsAt: number
  readonly faults: number
  readonly debt: Wei
  readonly registeredAt: UnixSeconds
  readonly beneficiary: Address
  /** Of its next relayed registration. */
  readonly nonce: bigint
  /** Empty where it is none, or one that could not be shown: a stranger wrote it. */
  readonly url: string
}

export async function readStanding(
  { registry }: Registry,
  identity: Address,
  blockTag: At = 'latest',
): Promise<StandingOnChain> {
  return standingFrom(await registry.standingOf(identity, { blockTag }))
}

/** Standings in the order of the identities. */
export const readStandings = (
  { registry, rpc }: Pick<Chain, 'registry' | 'rpc'>,
  identities: readonly Address[],
  blockTag: At = 'latest',
): Promise<StandingOnChain[]> =>
  inPieces(identities, async (some) => {
    const data = registry.interface.encodeFunctionData('standingsOf', [some])
    return standingsIn(await rpc.call({ to: registry, data, blockTag }), some.length)
  })

/** What the registry returned, decoded. */
export const standingFrom = (raw: Awaited<ReturnType<Chain['registry']['standingOf']>>): StandingOnChain => ({
  roles: Number(raw.roles),
  activeRoles: Number(raw.activeRoles),
  stake: wei(raw.stake),
  unbonding: wei(raw.unbonding),
  unbondsAt: Number(raw.unbondsAt),
  faults: Number(raw.faults),
  debt: wei(raw.debt),
  registeredAt: unixSeconds(Number(raw.registeredAt)),
  beneficiary: address(raw.beneficiary),
  nonce: raw.nonce,
  url: urlOf(raw),
})

function urlOf(raw: { readonly url: string }): string {
  try {
    return printable(raw.url) === raw.url ? raw.url : ''
  } catch {
    return '' // Bytes that are no UTF-8.
  }
}

/**
 * An array of the registry's `Standing`, as it was returned, read by hand: ethers takes a tenth of a millisecond for each, a hub
 * reads some for every session that begins, and a consumer one for every offer.
 *
 * @param asked - No more than one above that are looked at, whatever was answered.
 * @throws Error when it is no such array.
 */
function standingsIn(returned: string, asked: number): StandingOnChain[] {
  const encoded = Buffer.from(returned.slice(2), 'hex')
  const bytesAt = (from: number, length: number): Buffer => {
    const found = encoded.subarray(from, from + length)
    if (found.length === length) return found
    throw new Error(`The RPC answered ${encoded.length} bytes, which are no list of standings.`)
  }
  const wordAt = (from: number): bigint => BigInt(`0x${bytesAt(from, word).toString('hex')}`)
  const placeAt = (from: number): number => Number(wordAt(from))
  const list = placeAt(0)
  const first = list + word
  const places = bytesAt(first, placeAt(list) * word).length / word
  return Array.from({ length: Math.min(places, asked + 1) }, (_, index) => {
    const standing = first + placeAt(first + index * word)
    const amount = (field: number) => wordAt(standing + field * word)
    const number = (field: number) => Number(amount(field))
    const url = standing + number(10)
    return {
      roles: number(0),
      activeRoles: number(1),
      stake: wei(amount(2)),
      unbonding: wei(amount(3)),
      unbondsAt: number(4),
      faults: number(5),
      debt: wei(amount(6)),
      registeredAt: unixSeconds(number(7)),
      beneficiary: address(`0x${bytesAt(standing + 8 * word + 12, 20).toString('hex')}`),
      nonce: amount(9),
      url: shownUrl(bytesAt(url + word, placeAt(url))),
    }
  })
}

function shownUrl(bytes: Buffer): string {
  const url = bytes.toString('utf8')
  return Buffer.from(url).equals(bytes) && printable(url) === url ? url : ''
}

/** A hub's liquidity and terms. */
export interface HubOnChain {
  readonly pool: Wei
  readonly pendingWithdrawal: Wei
  readonly withdrawableAt: number
  /** In 1/10,000: in force, and announced for `feeChangesAt` (the same without an announcement). */
  readonly feeBps: number
  readonly announcedFeeBps: number
  readonly feeChangesAt: number
}

export async function readHub(
  { channels }: Channels,
  hub: Address,
  blockTag: At = 'latest',
): Promise<HubOnChain> {
  const view = await channels.hubOf(hub, { blockTag })
  return {
    pool: wei(view.pool),
    pendingWithdrawal: wei(view.pendingWithdrawal),
    withdrawableAt: Number(view.withdrawableAt),
    feeBps: Number(view.feeBps),
    announcedFeeBps: Number(view.announcedFeeBps),
    feeChangesAt: Number(view.feeChangesAt),
  }
}

/** Delays in seconds and the highest fee, set once. */
export interface ChannelSettingsOnChain {
  /** Longest life of a guarantee that a draw honours. */
  readonly maxGuarantee: number
  readonly protestWindow: number
  readonly withdrawalDelay: number
  readonly feeCapBps: number
}

export async function readChannelSettings({ channels }: Channels): Promise<ChannelSettingsOnChain> {
  const settings = await channels.settings()
  return {
    maxGuarantee: Number(settings.maxGuarantee),
    protestWindow: Number(settings.protestWindow),
    withdrawalDelay: Number(settings.withdrawalDelay),
    feeCapBps: Number(settings.feeCapBps),
  }
}

/** A provider's offer; one that is not `live` was withdrawn, or never published. */
export type OfferOnChain = Pick<Document<'Proposal'>, 'pricePerMegabyte' | 'pricePerHour' | 'issuedAt'> & {
  readonly live: boolean
  /** When a price that was announced takes effect. */
  readonly nextAt: number
  /** That price; the one in force where none was announced. */
  readonly next: Price
}

export async function readOffer(
  { marketplace }: Pick<Chain, 'marketplace'>,
  provider: Address,
  blockTag: At = 'latest',
): Promise<OfferOnChain> {
  const offer = await marketplace.offerOf(provider, { blockTag })
  return {
    live: offer.live,
    issuedAt: unixSeconds(Number(offer.issuedAt)),
    ...pricesFrom(offer),
    nextAt: Number(offer.nextAt),
    next: {
      perMegabyte: weiPerMegabyte(offer.nextPricePerMegabyte),
      perHour: weiPerHour(offer.nextPricePerHour),
    },
  }
}

async function inPieces<View>(
  names: readonly Address[],
  read: (some: Address[]) => Promise<View[]>,
): Promise<View[]> {
  const pieces = Array.from({ length: Math.ceil(names.length / inCall) }, async (_, index) => {
    const some = names.slice(index * inCall, (index + 1) * inCall)
    const views = await read(some)
    if (views.length !== some.length)
      throw new Error(`The RPC answered ${views.length} of ${some.length} that were asked for.`)
    return views
  })
  return (await Promise.all(pieces)).flat()
}
