import type { ChannelParties } from '../documents.js'
import { feeOn, netOf } from '../pricing.js'
import { type Address, type Wei, wei } from '../units.js'
import type { Draft } from './draft.js'
import type { DrawOrder, MoneyRefusal } from './operation.js'
import { slash } from './stake.js'
import { above, advancedOn, feeOf, guaranteedMissing, hubClaim, least, most } from './standing.js'
import { accountOf, channelOf, hubOf, largestAmount, type Money, type Tab, tabOf } from './state.js'

/** What makes one order among many good for nothing now; whatever else is wrong undoes all. */
const passedOver: ReadonlySet<MoneyRefusal> = new Set([
  'GuaranteeExpired',
  'GuaranteeReleased',
  'GuaranteeTooLong',
  'NothingToDraw',
  'WrongSigner',
])

/** Draws many, passing over those that cannot be drawn: nobody makes the draws of others fail. */
export function drawMany(draft: Draft, by: Address, orders: readonly DrawOrder[]): MoneyRefusal | undefined {
  for (const order of orders) {
    const refusal = draw(draft, by, order)
    if (refusal !== undefined && !passedOver.has(refusal)) return refusal
  }
  return undefined
}

/** Moves what a promise adds into the account of hub and provider, from the channel, then from who guaranteed it. */
export function draw(draft: Draft, by: Address, order: DrawOrder): MoneyRefusal | undefined {
  const { parties, provider, guarantee } = order
  if (!guarantee && by !== parties.hub) return 'NeitherHubNorGuarantee'
  if (order.amount > largestAmount) return 'AmountTooLarge'
  const target = guarantee ? least(order.amount, guarantee.ceiling) : order.amount
  const before = tabOf(draft.money, parties, provider)
  if (target <= before.drawn) return 'NothingToDraw'
  const wrong = (guarantee && judgeGuarantee(draft.money, order, before)) ?? judgePromise(order)
  if (wrong) return wrong

  const taken = takeCollateral(draft, parties, wei(target - before.drawn))
  credit(draft, parties, provider, taken)
  if (!guarantee) return taken === 0n ? 'NothingToDraw' : undefined
  const lacking = above(target, tabOf(draft.money, parties, provider).drawn)
  const helped = lacking > 0n && drawOnHub(draft, parties, provider, target)
  return taken > 0n || helped ? undefined : 'NothingToDraw'
}

function judgeGuarantee(money: Money, order: DrawOrder, tab: Tab): MoneyRefusal | undefined {
  const { guarantee, parties } = order
  if (!guarantee) return undefined
  if (money.now >= guarantee.expiresAt) return 'GuaranteeExpired'
  if (guarantee.expiresAt > money.now + money.settings.maxGuarantee) return 'GuaranteeTooLong'
  if (guarantee.expiresAt <= tab.releasedUpTo) return 'GuaranteeReleased'
  return guarantee.signer === parties.hub ? undefined : 'WrongSigner'
}

const judgePromise = (order: DrawOrder): MoneyRefusal | undefined =>
  order.signer === order.parties.consumer ? undefined : 'WrongSigner'

/** Takes up to `wanted` out of a channel. */
export function takeCollateral(draft: Draft, parties: ChannelParties, wanted: Wei): Wei {
  const channel = channelOf(draft.money, parties)
  if (!channel) return wei(0n)
  const taken = least(wanted, channel.balance)
  draft.channel({ ...channel, balance: wei(channel.balance - taken) })
  return taken
}

/**
 * Raises what is drawn and C: the only way in which either grows. The hub gets its fee, and back what it had
 * advanced; the rest waits for the provider. A protest for no more than what is drawn closes.
 *
 * @param amount - What is filled of the promise, the fee included.
 * @param byPool - How much of it the hub's pool gives; the rest came in from elsewhere.
 */
export function credit(
  draft: Draft,
  parties: ChannelParties,
  provider: Address,
  amount: Wei,
  byPool = wei(0n),
): void {
  if (amount === 0n) return
  const tab = tabOf(draft.money, parties, provider)
  const account = accountOf(draft.money, parties.hub, provider)
  const drawn = wei(tab.drawn + amount)
  const bps = feeOf(draft.money, parties.hub)
  const fee = feeOn(drawn, bps) - feeOn(tab.drawn, bps)
  const net = amount - fee
  const toPool = fee + least(net, advancedOn(account))
  draft.hub(parties.hub, { pool: wei(hubOf(draft.money, parties.hub).pool + toPool - byPool) })
  draft.account(parties.hub, provider, { credited: wei(account.credited + net) })
  draft.tab(parties, provider, { drawn })
  if (tab.protestEndsAt > 0 && drawn >= tab.protested)
    draft.tab(parties, provider, { protested: wei(0n), protestEndsAt: 0 })
}

/**
 * The hub stands for what the channel lacked: with what it had advanced on it, its pool, its stake.
 *
 * @returns Whether anything moved or is newly missing.
 */
function drawOnHub(draft: Draft, parties: ChannelParties, provider: Address, target: Wei): boolean {
  const { hub } = parties
  const owedBefore = hubClaim(draft.money, hub, provider)
  const guaranteedBefore = guaranteedMissing(draft.money, hub, provider)
  const tab = tabOf(draft.money, parties, provider)
  draft.tab(parties, provider, { owedByHub: most(tab.owedByHub, target) })

  const means = wei(hubOf(draft.money, hub).pool + advancedOn(accountOf(draft.money, hub, provider)))
  const own = fillable(draft.money, hub, tab, wei(target - tab.drawn), means)
  credit(draft, parties, provider, own, own)
  const lacking = netBetween(draft.money, hub, tab.drawn, target) - means
  if (lacking <= 0n) return true
  const newly = least(lacking, above(hubClaim(draft.money, hub, provider), owedBefore))
  const paid = slash(draft, hub, wei(lacking), newly)
  const rest = tabOf(draft.money, parties, provider)
  const more = fillable(draft.money, hub, rest, wei(target - rest.drawn), paid)
  credit(draft, parties, provider, more, wei(more - paid))
  return own > 0n || paid > 0n || guaranteedMissing(draft.money, hub, provider) !== guaranteedBefore
}

/** What of a draw from one total to another reaches the provider. */
function netBetween(money: Money, hub: Address, from: Wei, to: Wei): bigint {
  const bps = feeOf(money, hub)
  return netOf(to, bps) - netOf(from, bps)
}

/** How much of a promise a hub fills with these tokens: its fee costs it nothing, so only the net must be there. */
function fillable(money: Money, hub: Address, tab: Tab, wanted: Wei, means: Wei): Wei {
  const bps = feeOf(money, hub)
  // The largest total whose net is covered; the net of a total rises by one or by nothing with each unit.
  const total = ((netOf(tab.drawn, bps) + means) * 10_000n) / BigInt(10_000 - bps)
  return least(wanted, total - tab.drawn)
}
