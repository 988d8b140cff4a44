import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChannelParties } from './documents.js'
import { beginning, cast, everybody, play, plays } from './money/world.fixture.js'
import {
  accountOf,
  channelKey,
  type DrawOrder,
  type MoneyRefusal,
  moneyRefusals,
  move,
  type Operation,
  supply,
  tabOf,
} from './money.js'
import type { Address, Wei } from './units.js'

// Hundreds of plays: on a busy machine longer than the default.
const runs = { numRuns: 200 }

/** The micro-promises and hub promises an operation presents, forged ones left out. */
function signedIn(op: Operation): {
  promises: Omit<DrawOrder, 'guarantee'>[]
  totals: [Address, Address, Wei][]
} {
  const drawsMany = op.do === 'drawMany' || op.do === 'drawBatches' || op.do === 'drawAndRedeem'
  const orders = op.do === 'draw' ? [op.order] : drawsMany ? op.orders : []
  const protests = op.do === 'protest' ? [op.order] : []
  const concluded =
    op.do === 'conclude'
      ? op.totals.map((total) => ({ ...total, parties: op.parties, signer: op.signers.consumer }))
      : []
  const redemptions =
    op.do === 'redeem' || op.do === 'redeemTo'
      ? [op.order]
      : op.do === 'redeemMany'
        ? op.orders
        : op.do === 'drawAndRedeem'
          ? [op.redemption]
          : []
  return {
    promises: [...orders, ...protests, ...concluded].filter((each) => each.signer === each.parties.consumer),
    totals: redemptions
      .filter((each) => each.signer === each.hub)
      .map((each) => [each.hub, each.provider, each.total]),
  }
}

/** The largest amount ever signed, by channel and provider, and by hub and provider. */
class Signed {
  readonly #largest = new Map<string, bigint>()

  see(op: Operation): void {
    const signed = signedIn(op)
    for (const each of signed.promises)
      this.#raise(`${channelKey(each.parties)} ${each.provider}`, each.amount)
    for (const [by, to, total] of signed.totals) this.#raise(`${by} ${to}`, total)
  }
  promised = (of: ChannelParties, to: Address): bigint => this.#largest.get(`${channelKey(of)} ${to}`) ?? 0n
  total = (by: Address, to: Address): bigint => this.#largest.get(`${by} ${to}`) ?? 0n
  #raise(key: string, amount: bigint): void {
    if (amount > (this.#largest.get(key) ?? 0n)) this.#largest.set(key, amount)
  }
}

describe('whatever anybody does', () => {
  it('no token is made or lost', () => {
    fc.assert(
      fc.property(plays(120), (seeds) => {
        const money = beginning()
        play(money, seeds, ({ moved }) => {
          if (moved.ok) expect(supply(moved.money)).toBe(supply(money))
        })
      }),
      runs,
    )
  })

  it('nobody is paid twice for one promise: no tab draws and no account pays above what was signed', () => {
    fc.assert(
      fc.property(plays(120), (seeds) => {
        const signed = new Signed()
        const after = play(beginning(), seeds, ({ operation }) => signed.see(operation))
        for (const by of cast.hubs)
          for (const to of cast.providers) {
            let promised = 0n
            for (const of of everybody.flatMap((each) =>
              [0, 1].map((nonce) => ({ consumer: each, hub: by, nonce })),
            )) {
              expect(tabOf(after, of, to).drawn).toBeLessThanOrEqual(signed.promised(of, to))
              promised += signed.promised(of, to)
            }
            const { credited, paid } = accountOf(after, by, to)
            expect(credited).toBeLessThanOrEqual(promised)
            const total = signed.total(by, to)
            expect(paid).toBeLessThanOrEqual(total > promised ? total : promised)
          }
      }),
      runs,
    )
  })

  it('the same call again changes nothing', () => {
    const additive = new Set<Operation['do']>([
      'wait',
      'register',
      'addStake',
      'requestUnbonding',
      'open',
      'deposit',
      'fund',
      'repay',
      'repayPromise',
      // The fee of its last draw may fill its first, which found the pool empty.
      'drawMany',
    ])
    fc.assert(
      fc.property(plays(120), (seeds) => {
        play(beginning(), seeds, ({ operation, moved }) => {
          if (!moved.ok || additive.has(operation.do)) return
          const again = move(moved.money, operation)
          if (again.ok) expect(again.money).toEqual(moved.money)
        })
      }),
      runs,
    )
  })

  it('totals, faults and closed channels stay: nothing that was counted is uncounted', () => {
    fc.assert(
      fc.property(plays(120), (seeds) => {
        play(beginning(), seeds, ({ before, moved }) => {
          if (!moved.ok) return
          const { money } = moved
          for (const [key, tabs] of before.tabs)
            for (const [to, tab] of tabs) {
              const now = money.tabs.get(key)?.get(to)
              expect(now?.drawn).toBeGreaterThanOrEqual(tab.drawn)
              expect(now?.releasedUpTo).toBeGreaterThanOrEqual(tab.releasedUpTo)
            }
          for (const [by, accounts] of before.accounts)
            for (const [to, account] of accounts) {
              expect(accountOf(money, by, to).credited).toBeGreaterThanOrEqual(account.credited)
              expect(accountOf(money, by, to).paid).toBeGreaterThanOrEqual(account.paid)
            }
          for (const [who, identity] of before.identities)
            expect(money.identities.get(who)?.faults).toBeGreaterThanOrEqual(identity.faults)
          for (const [key, channel] of before.channels)
            if (!channel.open) expect(money.channels.get(key)).toEqual(channel)
        })
      }),
      runs,
    )
  })

  it('every kind of operation is accepted and refused in some play, and every refusal occurs', () => {
    const done = new Map<string, number>()
    const refused = new Set<MoneyRefusal>()
    for (let run = 0; run < 150; run++)
      play(
        beginning(),
        Array.from({ length: 150 }, (_, step) => run * 1_000 + step),
        ({ operation, moved }) => {
          if (moved.ok) done.set(operation.do, (done.get(operation.do) ?? 0) + 1)
          else refused.add(moved.refusal)
        },
      )
    expect(done.size).toBe(27)
    expect([...done].filter(([, times]) => times < 10)).toEqual([])
    expect([...refused].sort()).toEqual([...moneyRefusals].sort())
  })
})
