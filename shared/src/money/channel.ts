import { type ChannelParties, roles } from '../documents.js'
import { type Address, type Wei, wei } from '../units.js'
import type { Draft } from './draft.js'
import { credit, takeCollateral } from './draw.js'
import type { Conclusion, MoneyRefusal } from './operation.js'
import { settleProtest } from './protest.js'
import { isActive, least, openProtests } from './standing.js'
import { channelOf, tabOf, walletOf } from './state.js'

/** Locks collateral in a new channel between parties in good standing. */
export function open(draft: Draft, parties: ChannelParties, amount: Wei): MoneyRefusal | undefined {
  const { consumer, hub } = parties
  if (channelOf(draft.money, parties)) return 'ChannelExists'
  if (amount === 0n) return 'ZeroAmount'
  if (!isActive(draft.money, consumer, roles.consumer)) return 'NotActive'
  if (!isActive(draft.money, hub, roles.hub)) return 'NotActive'
  if (walletOf(draft.money, consumer) < amount) return 'ERC20InsufficientBalance'
  draft.wallet(consumer, -amount)
  draft.channel({ parties, open: true, balance: amount, exitAt: 0, relay: undefined })
  return undefined
}

/** Adds collateral to an open channel, whoever does. */
export function deposit(
  draft: Draft,
  by: Address,
  parties: ChannelParties,
  amount: Wei,
): MoneyRefusal | undefined {
  const channel = channelOf(draft.money, parties)
  if (!channel?.open) return 'ChannelNotOpen'
  if (amount === 0n) return 'ZeroAmount'
  if (walletOf(draft.money, by) < amount) return 'ERC20InsufficientBalance'
  draft.wallet(by, -amount)
  draft.channel({ ...channel, balance: wei(channel.balance + amount) })
  return undefined
}

/** Its consumer begins to leave alone, once. A relayer's fee waits until the providers had their turn. */
export function requestExit(
  draft: Draft,
  parties: ChannelParties,
  relay?: { relayer: Address; fee: Wei },
): MoneyRefusal | undefined {
  const channel = channelOf(draft.money, parties)
  if (!channel?.open) return 'ChannelNotOpen'
  if (channel.exitAt > 0) return 'ExitAlreadyRequested'
  draft.channel({ ...channel, exitAt: draft.money.now + draft.money.settings.exitDelay, relay })
  return undefined
}

/** Settles what is open, then returns the rest to the consumer. */
export function exit(
  draft: Draft,
  parties: ChannelParties,
  protesters: readonly Address[],
): MoneyRefusal | undefined {
  const channel = channelOf(draft.money, parties)
  if (!channel?.open) return 'ChannelNotOpen'
  if (channel.exitAt === 0) return 'ExitNotRequested'
  if (draft.money.now < channel.exitAt) return 'ExitTooEarly'
  for (const provider of protesters) {
    const refusal = settleProtest(draft, parties, provider)
    // Somebody may have settled it meanwhile.
    if (refusal && refusal !== 'NoProtest') return refusal
  }
  return close(draft, parties)
}

/** Both parties close at once: the signed totals are drawn in full, the releases count, the rest goes back. */
export function conclude(draft: Draft, conclusion: Conclusion): MoneyRefusal | undefined {
  const { parties, totals, releases, signers } = conclusion
  if (!channelOf(draft.money, parties)?.open) return 'ChannelNotOpen'
  if (signers.consumer !== parties.consumer || signers.hub !== parties.hub) return 'WrongSigner'
  for (const { provider, amount } of totals) {
    const { drawn } = tabOf(draft.money, parties, provider)
    if (amount <= drawn) continue
    const taken = takeCollateral(draft, parties, wei(amount - drawn))
    if (taken < amount - drawn) return 'CollateralMissing'
    credit(draft, parties, provider, taken)
  }
  for (const { provider, amount, upTo, signer } of releases) {
    if (signer !== provider) return 'WrongSigner'
    const tab = tabOf(draft.money, parties, provider)
    if (tab.drawn < amount) return 'ReleaseUnpaid'
    draft.tab(parties, provider, { releasedUpTo: Math.max(tab.releasedUpTo, upTo) })
  }
  return close(draft, parties)
}

/** Closed for ever: a promise is drawn from elsewhere from now on. */
function close(draft: Draft, parties: ChannelParties): MoneyRefusal | undefined {
  const channel = channelOf(draft.money, parties)
  if (!channel) return 'ChannelNotOpen'
  if (openProtests(draft.money, parties) > 0) return 'ProtestsOpen'
  const fee = least(channel.relay?.fee ?? 0n, channel.balance)
  if (channel.relay) draft.wallet(channel.relay.relayer, fee)
  draft.wallet(parties.consumer, channel.balance - fee)
  draft.channel({ ...channel, open: false, balance: wei(0n) })
  return undefined
}
