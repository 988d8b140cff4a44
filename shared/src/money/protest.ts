import type { ChannelParties } from '../documents.js'
import { type Address, type Wei, wei } from '../units.js'
import type { Draft } from './draft.js'
import { credit, takeCollateral } from './draw.js'
import type { MoneyRefusal, ProtestOrder } from './operation.js'
import { slash } from './stake.js'
import { above, least, missingByConsumer, most } from './standing.js'
import { channelOf, largestAmount, tabOf } from './state.js'

/** Presents a promise that no guarantee covers. It opens one window, in which a larger promise may replace it. */
export function protest(
  draft: Draft,
  { parties, provider, amount, signer }: ProtestOrder,
): MoneyRefusal | undefined {
  const { now, settings } = draft.money
  const channel = channelOf(draft.money, parties)
  const tab = tabOf(draft.money, parties, provider)
  if (!channel) return 'ChannelNotOpen'
  if (amount > largestAmount) return 'AmountTooLarge'
  if (amount <= tab.drawn) return 'AlreadyDrawn'
  if (!channel.open && tab.releasedUpTo > 0) return 'AlreadyReleased'
  if (signer !== parties.consumer) return 'WrongSigner'
  if (tab.protestEndsAt > 0) {
    if (amount <= tab.protested) return 'AlreadyProtested'
    // What the hub guaranteed before it saw the larger promise must end before that is paid.
    if (now + settings.maxGuarantee > tab.protestEndsAt) return 'ProtestTooLate'
    draft.tab(parties, provider, { protested: amount })
    return undefined
  }
  const endsAt = now + settings.protestWindow
  if (channel.exitAt > 0 && endsAt > channel.exitAt) return 'ProtestTooLate'
  draft.tab(parties, provider, { protested: amount, protestEndsAt: endsAt })
  return undefined
}

/** Pays a protest whose window is over: from the channel, then from the consumer's stake. */
export function settleProtest(
  draft: Draft,
  parties: ChannelParties,
  provider: Address,
): MoneyRefusal | undefined {
  const tab = tabOf(draft.money, parties, provider)
  if (tab.protestEndsAt === 0) return 'NoProtest'
  if (draft.money.now < tab.protestEndsAt) return 'ProtestRunning'
  const target: Wei = tab.protested
  draft.tab(parties, provider, { protested: wei(0n), protestEndsAt: 0 })

  const taken = takeCollateral(draft, parties, wei(target - tab.drawn))
  credit(draft, parties, provider, taken)
  const drawn = wei(tab.drawn + taken)
  if (drawn === target) return undefined
  const owed = most(tab.owedByConsumer, target)
  const newly = above(owed - drawn, missingByConsumer(tab))
  draft.tab(parties, provider, { owedByConsumer: owed })
  credit(
    draft,
    parties,
    provider,
    slash(draft, parties.consumer, above(target, drawn), least(newly, target - drawn)),
  )
  return undefined
}
