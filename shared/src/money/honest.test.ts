import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChannelParties, roles } from '../documents.js'
import { netOf } from '../pricing.js'
import { type Address, address, type Wei, wei } from '../units.js'
import { move } from './move.js'
import type { DrawOrder, Operation, ProtestOrder } from './operation.js'
import { nextOperation } from './play.js'
import { waitingIn } from './standing.js'
import { accountOf, channelOf, identityOf, type Money, tabOf, walletOf } from './state.js'
import { diceOf } from './table.js'
import { accepted, beginning, cast, plays, settings } from './world.fixture.js'

// Hundreds of plays: on a busy machine longer than the default.
/** The honest ones. Nobody of the cast is: not the hub, not the other consumers, not the other providers. */
const consumer = address(`0x${'d'.repeat(40)}`)
const [provider] = cast.providers as [Address]
const [hub] = cast.hubs as [Address]
const parties: ChannelParties = { consumer, hub, nonce: 7 }
const isOurs = (other: ChannelParties) =>
  other.consumer === consumer && other.hub === hub && other.nonce === 7
const forger = cast.consumers[0] as Address
const riches = wei(5_000n)
const collateral = wei(900n)
const promised = fc.bigInt({ min: 0n, max: collateral })

/** A consumer that signs no more than its channel can pay, and nothing once it leaves. */
class HonestConsumer {
  readonly signed: Map<Address, bigint>
  /** The highest fee it offered for carrying its exit. */
  relayFee = 0n

  constructor(promisedAlready: bigint) {
    this.signed = new Map([[provider, promisedAlready]])
  }

  /** The signature it gives for this total: its own, or none. */
  signatureFor(money: Money, to: Address, amount: bigint): Address {
    if (amount <= (this.signed.get(to) ?? 0n)) return consumer
    const channel = channelOf(money, parties)
    if (!channel?.open || channel.exitAt > 0) return forger
    const others = [...this.signed].reduce((sum, [who, total]) => (who === to ? sum : sum + total), 0n)
    if (others + amount > this.#collateralIn(money)) return forger
    this.signed.set(to, amount)
    return consumer
  }

  /** Everything ever put into the channel that can pay its promises. */
  #collateralIn(money: Money): bigint {
    const drawn = cast.providers.map((each) => tabOf(money, parties, each).drawn)
    return drawn.reduce((sum: bigint, each) => sum + each, channelOf(money, parties)?.balance ?? 0n)
  }

  promised = (to: Address): Wei => wei(this.signed.get(to) ?? 0n)

  /** What becomes of an operation that needs signatures on our channel: signed by the honest, or forged. */
  amend(money: Money, op: Operation): Operation {
    const sign = <Order extends ProtestOrder>(order: Order): Order =>
      isOurs(order.parties)
        ? { ...order, signer: this.signatureFor(money, order.provider, order.amount) }
        : order
    switch (op.do) {
      case 'draw':
        return { ...op, order: sign<DrawOrder>(op.order) }
      case 'drawMany':
      case 'drawBatches':
      case 'drawAndRedeem':
        return { ...op, orders: op.orders.map((order) => sign<DrawOrder>(order)) }
      case 'protest':
        return { ...op, order: sign(op.order) }
      case 'requestExitFor':
        if (isOurs(op.parties) && op.relayFee > this.relayFee) this.relayFee = op.relayFee
        return op
      case 'conclude':
        if (!isOurs(op.parties)) return op
        return {
          ...op,
          totals: [...this.signed].map(([who, amount]) => ({ provider: who, amount: wei(amount) })),
          releases: op.releases.filter(
            ({ provider: who, amount }) => who !== provider || amount === this.promised(who),
          ),
        }
      default:
        return op
    }
  }
}

/** Opens the honest consumer's channel in a world of others. */
function withHonestConsumer(): Money {
  const [patron] = cast.hubs as [Address]
  const money = beginning()
  const wallets = new Map(money.wallets)
    .set(consumer, riches)
    .set(patron, wei(walletOf(money, patron) - riches))
  const stake = settings.minimumStakes.consumer
  const before = { ...money, wallets }
  return [
    { do: 'register', by: consumer, roles: roles.consumer, stake, beneficiary: consumer } as const,
    { do: 'open', parties, amount: collateral } as const,
  ].reduce((now: Money, operation: Operation) => accepted(now, operation), before)
}

/** Whether a promise must still be presented before the channel is gone. */
function isEndangered(money: Money, promised: Wei): boolean {
  const channel = channelOf(money, parties)
  const tab = tabOf(money, parties, provider)
  return channel?.open === true && channel.exitAt > 0 && tab.drawn < promised && tab.protested < promised
}

/** Presents what the consumer promised as soon as the channel is being left, or as a smaller protest is over. */
function watch(money: Money, promised: Wei): Money {
  if (!isEndangered(money, promised)) return money
  const settled = move(money, { do: 'settleProtest', parties, provider })
  const now = settled.ok ? settled.money : money
  const protested = move(now, {
    do: 'protest',
    order: { parties, provider, amount: promised, signer: consumer },
  })
  if (protested.ok) return protested.money
  // Somebody opened a smaller protest, and it is too late in its window to replace it.
  if (tabOf(now, parties, provider).drawn < promised) expect(protested.refusal).toBe('ProtestTooLate')
  return now
}

/** A provider that watches is there when the smaller protest in its way ends. */
function inTime(money: Money, op: Operation, promised: Wei): Operation {
  if (op.do !== 'wait' || !isEndangered(money, promised)) return op
  const { protestEndsAt } = tabOf(money, parties, provider)
  return { do: 'wait', seconds: Math.min(op.seconds, protestEndsAt - money.now) }
}

/** A whole play around the honest two, who watch the chain after each step. */
function playAround(seeds: readonly number[], honest: HonestConsumer, watched = true): Money {
  let money = withHonestConsumer()
  for (const seed of seeds) {
    const operation = honest.amend(money, nextOperation(money, cast, diceOf(seed)))
    const moved = move(money, watched ? inTime(money, operation, honest.promised(provider)) : operation)
    if (moved.ok) money = moved.money
    if (watched) money = watch(money, honest.promised(provider))
  }
  return money
}

/** The rest of an honest provider's days: protest what is not drawn, wait, settle, redeem. */
function retire(money: Money, promised: Wei): Money {
  let now = money
  if (tabOf(now, parties, provider).drawn < promised) {
    const open = tabOf(now, parties, provider)
    if (open.protested < promised) {
      if (open.protestEndsAt > 0) now = settle(now)
      if (tabOf(now, parties, provider).drawn < promised) {
        const order = { parties, provider, amount: promised, signer: consumer }
        now = accepted(now, { do: 'protest', order })
      }
    }
    if (tabOf(now, parties, provider).protestEndsAt > 0) now = settle(now)
  }
  const redeemed = move(now, { do: 'redeem', order: { hub, provider, total: wei(0n) } })
  return redeemed.ok ? redeemed.money : now
}

function settle(money: Money): Money {
  const seconds = Math.max(0, tabOf(money, parties, provider).protestEndsAt - money.now)
  return accepted(accepted(money, { do: 'wait', seconds }), { do: 'settleProtest', parties, provider })
}

describe('an honest provider', () => {
  it('ends with what an honest consumer promised it, net of the fee, whatever the hub and everybody else do', () => {
    fc.assert(
      fc.property(plays(100), promised, (seeds, already) => {
        const honest = new HonestConsumer(already)
        const after = retire(playAround(seeds, honest), honest.promised(provider))
        expect(tabOf(after, parties, provider).drawn).toBe(honest.promised(provider))
        const account = accountOf(after, hub, provider)
        expect(waitingIn(account)).toBe(0n)
        expect(account.paid).toBeGreaterThanOrEqual(netOf(honest.promised(provider), settings.feeCapBps))
      }),
      { numRuns: 400 },
    )
  })

  it('is not locked out by a smaller protest in its way: an exit takes longer than a guarantee and a window', () => {
    const promise = (amount: bigint) => ({ parties, provider, amount: wei(amount), signer: consumer })
    let money = accepted(withHonestConsumer(), { do: 'protest', order: promise(1n) })
    money = accepted(money, { do: 'wait', seconds: 150 })
    money = accepted(money, { do: 'requestExit', parties })
    expect(move(money, { do: 'protest', order: promise(500n) })).toEqual({
      ok: false,
      refusal: 'ProtestTooLate',
    })
    money = accepted(settle(money), { do: 'protest', order: promise(500n) })
    money = settle(money)
    expect(tabOf(money, parties, provider).drawn).toBe(500n)
    expect(settings.maxGuarantee + settings.protestWindow).toBeLessThanOrEqual(settings.exitDelay)
  })

  it('has a whole protest window to act in, whenever after its exit request a consumer protests a unit itself', () => {
    const promise = (amount: bigint) => ({ parties, provider, amount: wei(amount), signer: consumer })
    const { protestWindow, exitDelay } = settings
    const moment = (last: number) => fc.integer({ min: 0, max: last })
    fc.assert(
      fc.property(moment(protestWindow), moment(protestWindow), (small, reaction) => {
        const until = (money: Money, since: number) =>
          accepted(money, { do: 'wait', seconds: Math.max(0, leaving.now + since - money.now) })
        const leaving = accepted(withHonestConsumer(), { do: 'requestExit', parties })
        let money = until(leaving, Math.min(small, reaction))
        if (small <= reaction) money = accepted(money, { do: 'protest', order: promise(1n) })
        money = until(money, reaction)
        const seen = move(money, { do: 'protest', order: promise(500n) })
        if (!seen.ok) money = settle(money)
        money = settle(seen.ok ? seen.money : accepted(money, { do: 'protest', order: promise(500n) }))
        expect(tabOf(money, parties, provider).drawn).toBe(500n)
        expect(money.now).toBeLessThanOrEqual(leaving.now + exitDelay)
      }),
    )
  })

  it('is filled by the guarantee when the hub closes with its own consumer behind its back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 500n }), fc.bigInt({ min: 0n, max: 2_000n }), (amount, pool) => {
        const own = { consumer: cast.consumers[0] as Address, hub, nonce: 0 }
        let money = beginning()
        const before = walletOf(money, provider)
        if (pool > 0n) money = accepted(money, { do: 'fund', by: hub, hub, amount: wei(pool) })
        const signers = { consumer: own.consumer, hub }
        money = accepted(money, { do: 'conclude', parties: own, totals: [], releases: [], signers })
        const guarantee = { ceiling: wei(amount), expiresAt: money.now + 50, signer: hub }
        const order = { parties: own, provider, amount: wei(amount), signer: own.consumer, guarantee }
        money = accepted(money, {
          do: 'drawAndRedeem',
          by: provider,
          orders: [order],
          redemption: { hub, provider, total: wei(0n) },
        })
        const lacking = netOf(wei(amount), settings.defaultFeeBps) - 400n - pool
        // The stake of 102 pays at most its half, and burns the other.
        const unpaid = lacking > 51n ? lacking - 51n : 0n
        expect(walletOf(money, provider) - before).toBe(netOf(wei(amount), settings.defaultFeeBps) - unpaid)
        expect(identityOf(money, hub).faults).toBe(lacking > 0n ? 1 : 0)
        expect(identityOf(money, hub).stake).toBe(
          102n - (lacking <= 0n ? 0n : lacking > 51n ? 102n : 2n * lacking),
        )
      }),
      { numRuns: 300 },
    )
  })
})

describe('an honest consumer', () => {
  it('can always leave, and never loses more than it signed and the fee it offered for carrying its exit', () => {
    fc.assert(
      fc.property(plays(100), promised, fc.boolean(), (seeds, already, watched) => {
        const honest = new HonestConsumer(already)
        let money = playAround(seeds, honest, watched)
        const requested = move(money, { do: 'requestExit', parties })
        if (requested.ok) money = requested.money
        const channel = channelOf(money, parties)
        if (channel?.open) {
          money = accepted(money, { do: 'wait', seconds: Math.max(0, channel.exitAt - money.now) })
          const protesters = cast.providers.filter((each) => tabOf(money, parties, each).protestEndsAt > 0)
          money = accepted(money, { do: 'exit', parties, protesters })
        }
        const signed = [...honest.signed.values()].reduce((sum, amount) => sum + amount, 0n)
        const { stake } = identityOf(money, consumer)
        expect(stake).toBeGreaterThanOrEqual(settings.minimumStakes.consumer)
        const left = walletOf(money, consumer) + stake
        expect(left).toBeGreaterThanOrEqual(riches - signed - honest.relayFee)
        expect(identityOf(money, consumer).faults).toBe(0)
      }),
      { numRuns: 400 },
    )
  })
})
