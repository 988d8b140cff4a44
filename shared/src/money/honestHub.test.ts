import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ChannelParties } from '../documents.js'
import { netOf } from '../pricing.js'
import { type Address, type Wei, wei } from '../units.js'
import { move } from './move.js'
import type { DrawOrder, Operation } from './operation.js'
import { nextOperation } from './play.js'
import { debtOf, feeOf, least } from './standing.js'
import { accountOf, channelKey, channelOf, hubOf, identityOf, type Money, tabOf, walletOf } from './state.js'
import { type Dice, diceOf } from './table.js'
import { beginning, cast, plays, settings } from './world.fixture.js'

// Hundreds of plays: on a busy machine longer than the default.
const [hub] = cast.hubs as [Address]
/** Who signs what the hub would not. */
const forger = cast.consumers[0] as Address

/** A credit line: one channel of this hub, one provider. */
interface Line {
  readonly parties: ChannelParties
  readonly provider: Address
  cleared: bigint
  guarantees: { ceiling: Wei; expiresAt: number }[]
}

/** A hub that keeps the rules of docs/protocol.md, Clear, draw, redeem; everybody around it is hostile. */
class HonestHub {
  readonly #lines = new Map<string, Line>()
  readonly #totals = new Map<Address, bigint>()
  /** Channels whose final state it signed: terminal. */
  readonly #closing = new Set<string>()

  lineOf(parties: ChannelParties, provider: Address): Line {
    const key = `${channelKey(parties)} ${provider}`
    const line = this.#lines.get(key) ?? { parties, provider, cleared: 0n, guarantees: [] }
    this.#lines.set(key, line)
    return line
  }

  total = (provider: Address): Wei => wei(this.#totals.get(provider) ?? 0n)

  /** Stands behind a consumer up to what the channel can bear; nothing once somebody is leaving. */
  guarantee(money: Money, parties: ChannelParties, provider: Address, dice: Dice): void {
    const channel = channelOf(money, parties)
    if (!channel?.open || channel.exitAt > 0 || this.#closing.has(channelKey(parties))) return
    const others = cast.providers.filter((each) => each !== provider)
    const reserved = others.reduce((sum, each) => sum + this.#reservedFor(money, parties, each), 0n)
    const free = channel.balance - reserved
    if (free <= 0n) return
    const { drawn } = tabOf(money, parties, provider)
    const ceiling = wei(drawn + (free * BigInt(1 + dice(100))) / 100n)
    const expiresAt = money.now + 1 + dice(settings.maxGuarantee)
    this.lineOf(parties, provider).guarantees.push({ ceiling, expiresAt })
  }

  #reservedFor(money: Money, parties: ChannelParties, provider: Address): bigint {
    const { drawn, protested } = tabOf(money, parties, provider)
    const { cleared, guarantees } = this.lineOf(parties, provider)
    const live = guarantees.filter(({ expiresAt }) => expiresAt > money.now).map(({ ceiling }) => ceiling)
    const highest = [cleared, protested, drawn, ...live].reduce((a, b) => (a > b ? a : b))
    return highest - drawn
  }

  /** Takes a provider's promise within a live guarantee, and owes what it adds; draws first when the pool is low. */
  clear(before: Money, parties: ChannelParties, provider: Address, dice: Dice): Money {
    const line = this.lineOf(parties, provider)
    const live = line.guarantees.filter(({ expiresAt }) => expiresAt > before.now)
    const ceiling = live.reduce((highest, each) => (each.ceiling > highest ? each.ceiling : highest), wei(0n))
    if (ceiling <= line.cleared || this.#closing.has(channelKey(parties))) return before
    const promise = line.cleared + ((ceiling - line.cleared) * BigInt(1 + dice(100))) / 100n
    const bps = feeOf(before, hub)
    const added = netOf(wei(promise), bps) - netOf(wei(line.cleared), bps)
    let money = before
    if (!this.#canOwe(money, provider, added)) money = this.drawAll(money)
    if (!this.#canOwe(money, provider, added)) return money
    line.cleared = promise
    this.#totals.set(provider, this.total(provider) + added)
    return money
  }

  #canOwe(money: Money, provider: Address, added: bigint): boolean {
    const { pool, pendingWithdrawal } = hubOf(money, hub)
    return this.#advances(money, provider, added) <= pool - pendingWithdrawal
  }

  #advances(money: Money, raised?: Address, added = 0n): bigint {
    return cast.providers.reduce((sum, each) => {
      const { credited, paid } = accountOf(money, hub, each)
      const total = this.total(each) + (each === raised ? added : 0n)
      const settled = credited > paid ? credited : paid
      return sum + (total > settled ? total - settled : 0n)
    }, 0n)
  }

  /** Draws everything it has cleared. */
  drawAll(money: Money): Money {
    return [...this.#lines.values()].reduce((now, { parties, provider, cleared }) => {
      if (tabOf(now, parties, provider).drawn >= cleared) return now
      const order = { parties, provider, amount: wei(cleared), signer: parties.consumer }
      const drawn = move(now, { do: 'draw', by: hub, order })
      return drawn.ok ? drawn.money : now
    }, money)
  }

  /** Draws at once when somebody leaves or protests. */
  watch(money: Money): Money {
    const troubled = [...this.#lines.values()].some(({ parties }) => {
      const tabs = cast.providers.map((each) => tabOf(money, parties, each))
      return (
        (channelOf(money, parties)?.exitAt ?? 0) > 0 || tabs.some(({ protestEndsAt }) => protestEndsAt > 0)
      )
    })
    return troubled ? this.drawAll(money) : money
  }

  /** What the others can do with the hub's name: present what it signed, and forge the rest. */
  amend(money: Money, op: Operation, dice: Dice): Operation | undefined {
    const sign = (order: DrawOrder): DrawOrder => {
      const { guarantee, ...promise } = order
      if (order.parties.hub !== hub) return order
      // By itself it draws only what it has cleared; others need its guarantee.
      const { cleared } = this.lineOf(order.parties, order.provider)
      if (!guarantee) return { ...promise, amount: least(order.amount, cleared) }
      const issued = this.lineOf(order.parties, order.provider).guarantees
      const given = issued[dice(Math.max(1, issued.length))]
      return { ...promise, guarantee: given ? { ...given, signer: hub } : { ...guarantee, signer: forger } }
    }
    const own = (total: Wei, provider: Address) =>
      total < this.total(provider) ? total : this.total(provider)
    switch (op.do) {
      case 'draw':
        return { ...op, order: sign(op.order) }
      case 'drawMany':
      case 'drawBatches':
        return { ...op, orders: op.orders.map(sign) }
      case 'redeem':
      case 'redeemTo':
        return op.order.hub === hub
          ? { ...op, order: { ...op.order, total: own(op.order.total, op.order.provider) } }
          : op
      case 'redeemMany':
        return {
          ...op,
          orders: op.orders.map((each) =>
            each.hub === hub ? { ...each, total: own(each.total, each.provider) } : each,
          ),
        }
      case 'drawAndRedeem': {
        const { redemption } = op
        const total = redemption.hub === hub ? own(redemption.total, redemption.provider) : redemption.total
        return { ...op, orders: op.orders.map(sign), redemption: { ...redemption, total } }
      }
      case 'conclude':
        return op.parties.hub === hub ? this.#concluding(money, op) : op
      case 'requestWithdrawal': {
        if (op.by !== hub) return op
        const spare = hubOf(money, hub).pool - this.#advances(money)
        return { ...op, amount: wei(spare <= 0n ? 0n : op.amount < spare ? op.amount : spare) }
      }
      default:
        // It keeps its stake, and gives nothing away.
        return 'by' in op && op.by === hub && op.do !== 'withdraw' && op.do !== 'announceFee' ? undefined : op
    }
  }

  /** It signs an end that pays what it cleared and ends every guarantee that lives. */
  #concluding(money: Money, op: Extract<Operation, { do: 'conclude' }>): Operation {
    const { parties } = op
    const lines = cast.providers.map((provider) => this.lineOf(parties, provider))
    const amountOf = ({ provider, cleared }: Line) => {
      const { drawn } = tabOf(money, parties, provider)
      return wei(cleared > drawn ? cleared : drawn)
    }
    const totals = lines.map((line) => ({ provider: line.provider, amount: amountOf(line) }))
    const releases = lines.flatMap((line) => {
      const until = Math.max(0, ...line.guarantees.map(({ expiresAt }) => expiresAt))
      if (until <= money.now) return []
      return [{ provider: line.provider, amount: amountOf(line), upTo: until, signer: line.provider }]
    })
    this.#closing.add(channelKey(parties))
    return { ...op, totals, releases, signers: { consumer: parties.consumer, hub } }
  }
}

it('an honest hub never loses principal or stake, whatever consumers and providers do together', () => {
  const worked = { cleared: 0, redeemed: 0 }
  fc.assert(
    fc.property(plays(120), (seeds) => {
      const honest = new HonestHub()
      let money = beginning()
      const { pool } = hubOf(money, hub)
      const wallet = walletOf(money, hub)
      const { stake } = identityOf(money, hub)
      let gifts = 0n
      for (const seed of seeds) {
        const dice = diceOf(seed)
        const parties = { consumer: cast.consumers[dice(3)] as Address, hub, nonce: dice(2) }
        const provider = cast.providers[dice(3)] as Address
        const deed = dice(4)
        if (deed === 0) honest.guarantee(money, parties, provider, dice)
        else if (deed === 1) money = honest.clear(money, parties, provider, dice)
        else {
          const operation = honest.amend(money, nextOperation(money, cast, dice), dice)
          const moved = operation && move(money, operation)
          if (moved?.ok) {
            money = moved.money
            if (operation?.do === 'fund' && operation.hub === hub) gifts += operation.amount
            if (operation?.do === 'addStake' && operation.identity === hub) gifts += operation.amount
            if (operation?.do === 'redeem') worked.redeemed++
          }
        }
        money = honest.watch(money)
      }
      money = honest.drawAll(money)
      const after = identityOf(money, hub)
      expect(after.faults).toBe(0)
      expect(debtOf(money, hub)).toBe(0n)
      worked.cleared += cast.providers.filter((each) => honest.total(each) > 0n).length
      // What it still has to pay on its promises is in the pool.
      for (const provider of cast.providers) {
        const order = { hub, provider, total: honest.total(provider), signer: hub }
        const redeemed = move(money, { do: 'redeem', order })
        if (redeemed.ok) money = redeemed.money
      }
      expect(identityOf(money, hub).faults).toBe(0)
      const left = hubOf(money, hub).pool + walletOf(money, hub) + after.stake + after.unbonding
      expect(left).toBeGreaterThanOrEqual(pool + wallet + stake + gifts)
    }),
    { numRuns: 250 },
  )
  expect(worked.cleared).toBeGreaterThan(100)
  expect(worked.redeemed).toBeGreaterThan(100)
})
