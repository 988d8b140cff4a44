import {
  bytes,
  chargedBytes,
  larger,
  owedFor,
  type Wei,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { begin, type Effect, owedIn, type Session, type SessionEvent, step } from './session.js'

const terms = {
  price: { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(0n) },
  base: wei(1_000n),
  ceiling: wei(1_000n + 40n * 50n),
  credit: bytes(2_000_000n),
  raiseBelow: wei(0n),
  limit: bytes(50_000_000n),
  limitedBy: 'cap' as const,
  ceilingIs: 'ceiling' as const,
}

const count = (downBytes: bigint, upBytes = 0n, downPackets = 0n) => ({
  ...{ downBytes: bytes(downBytes), upBytes: bytes(upBytes) },
  ...{ downPackets, upPackets: 0n },
})
const counted = (downBytes: bigint, limitReached = false, atMs = 0): SessionEvent => ({
  type: 'counted',
  count: count(downBytes),
  atMs,
  limitReached,
})

/** Plays events and answers the effects as the app does, the kernel's last count being `last`. */
function play(session: Session, events: readonly SessionEvent[]) {
  const effects: Effect[] = []
  let now = session
  for (const event of events) {
    const next = step(now, event)
    now = next.session
    effects.push(...next.effects)
  }
  return { session: now, effects }
}

const promised = (effects: readonly Effect[]): Wei[] =>
  effects.flatMap((effect) => (effect.type === 'promise' ? [effect.amount] : []))

describe('a session', () => {
  it('promises nothing before the first byte', () => {
    expect(play(begin(terms, 0), [counted(0n)]).effects).toEqual([])
  })

  it('promises the next megabyte as soon as it begins', () => {
    const { effects } = play(begin(terms, 0), [
      counted(1n),
      counted(1_000_000n),
      counted(1_000_001n),
      counted(1_900_000n),
    ])
    expect(promised(effects)).toEqual([1_040n, 1_080n])
  })

  it('ends where what is left for all sessions of its user was used up beside it', () => {
    const narrowed = play(begin(terms, 0), [
      counted(900_000n),
      { type: 'left', cap: undefined, budget: wei(60n) },
      counted(1_900_000n),
      { type: 'left', cap: undefined, budget: wei(0n) },
      counted(2_900_000n),
    ])
    expect(promised(narrowed.effects)).toEqual([1_040n, 1_080n])
    expect(narrowed.session).toMatchObject({ phase: 'halting', reason: 'budget' })
    const capped = play(begin(terms, 0), [{ type: 'left', cap: bytes(0n), budget: undefined }])
    expect(capped.session).toMatchObject({ phase: 'halting', reason: 'cap' })
    const alone = play(begin(terms, 0), [{ type: 'left', cap: bytes(1n), budget: wei(2_000n) }])
    expect(alone.session).toEqual({ ...begin(terms, 0), shared: 1n })
  })

  const guaranteed = { ...terms, limitedBy: 'ceiling', raiseBelow: wei(800n) } as const

  it('asks for a larger guarantee before this one is used up, once, and goes on beyond it', () => {
    const raised: SessionEvent = {
      ...{ type: 'raised' as const, ceiling: wei(5_000n), ceilingIs: 'ceiling' as const },
      ...{ limit: bytes(100_000_000n), limitedBy: 'ceiling' as const },
    }
    const asking = play(begin(guaranteed, 0), [
      counted(29_000_000n),
      counted(31_000_000n),
      counted(32_000_000n),
    ])
    expect(asking.effects.filter(({ type }) => type === 'raise')).toHaveLength(1)
    const waiting = play(asking.session, [counted(50_000_000n, true)])
    expect(waiting.session.phase).toBe('running')
    const { session } = play(waiting.session, [raised, counted(60_000_000n)])
    expect(session).toMatchObject({ phase: 'running', promised: 3_400n, limit: 100_000_000n })
  })

  it('ends at its guarantee where no larger one can be had, and asks again after half a minute', () => {
    const asking = play(begin(guaranteed, 0), [
      counted(31_000_000n),
      { type: 'accepted', amount: wei(2_240n) },
      { type: 'notRaised', atMs: 0 },
    ])
    expect(play(asking.session, [counted(50_000_000n, true, 1)]).session.reason).toBe('ceiling')
    const again = play(asking.session, [counted(32_000_000n, false, 29_999)])
    expect(again.effects.some(({ type }) => type === 'raise')).toBe(false)
    expect(play(again.session, [counted(33_000_000n, false, 30_000)]).effects).toContainEqual({
      type: 'raise',
    })
  })

  it('asks for a larger guarantee at once when the channel was refilled', () => {
    const refused = play(begin(guaranteed, 0), [
      counted(31_000_000n),
      { type: 'accepted', amount: wei(2_240n) },
      { type: 'notRaised', atMs: 0 },
      { type: 'toppedUp', atMs: 5 },
    ])
    expect(play(refused.session, [counted(32_000_000n, false, 5)]).effects).toContainEqual({ type: 'raise' })
    // Nothing is asked twice while an answer is awaited.
    const asked = play(begin(guaranteed, 0), [counted(31_000_000n), { type: 'toppedUp', atMs: 5 }])
    expect(asked.session.raise).toBe('asked')
  })

  it('asks for no larger guarantee where the user’s own cap or budget ends it', () => {
    for (const own of [{ limitedBy: 'cap' }, { limitedBy: 'budget', ceilingIs: 'budget' }] as const) {
      const { effects } = play(begin({ ...guaranteed, ...own }, 0), [counted(45_000_000n)])
      expect(effects.some(({ type }) => type === 'raise')).toBe(false)
    }
  })

  it('pays the next megabyte shortly ahead, suspended or not, without credit, and no more at the end', () => {
    const prepaid = begin({ ...terms, credit: bytes(0n) }, 0)
    const { session, effects } = play(prepaid, [
      { type: 'suspended', atMs: 0 },
      counted(0n),
      { type: 'resumed', atMs: 10 },
      counted(860_000n),
      counted(900_000n),
      counted(1_000_001n),
      { type: 'stop', reason: 'user' },
      { type: 'halted', count: count(1_950_000n), atMs: 0 },
    ])
    expect(promised(effects)).toEqual([1_040n, 1_080n])
    expect(session.phase).toBe('settling')
    // Its provider counts what it forwarded for them, and is not accused of it.
    const early = { type: 'usage', ...count(2_000_000n) } as const
    expect(play(prepaid, [counted(1n), early]).session.phase).toBe('running')
  })

  it('covers several megabytes with one promise where they came at once', () => {
    expect(promised(play(begin(terms, 0), [counted(7_500_000n)]).effects)).toEqual([1_320n])
  })

  it('ends in the order halt, last promise, end, finish', () => {
    const { session, effects } = play(begin(terms, 0), [
      counted(900_000n),
      { type: 'stop', reason: 'user' },
      { type: 'halted', count: count(1_200_000n), atMs: 10 },
      { type: 'settled' },
    ])
    expect(effects.map(({ type }) => type)).toEqual(['promise', 'halt', 'promise', 'end', 'finish'])
    expect(session.phase).toBe('ended')
    expect(session.reason).toBe('user')
  })

  it('ends by the cap when the kernel says that it is reached', () => {
    const { session, effects } = play(begin(terms, 0), [counted(49_900_000n, true)])
    expect(session.reason).toBe('cap')
    expect(effects.at(-1)).toEqual({ type: 'halt' })
  })

  it('says that the guarantee is used up where that was the limit', () => {
    const limited = begin({ ...terms, limitedBy: 'ceiling', ceilingIs: 'ceiling' }, 0)
    expect(play(limited, [counted(49_900_000n, true)]).session.reason).toBe('ceiling')
  })

  it('sends the same total again after the payment socket broke', () => {
    const { effects, session } = play(begin(terms, 0), [counted(10n), { type: 'reattached' }])
    expect(promised(effects)).toEqual([1_040n, 1_040n])
    expect(session.promises).toBe(1)
  })

  it('leaves a provider that confirms nothing for long, but not one that it cannot hear', () => {
    const waiting = [counted(10n), counted(20n, false, 15_000)]
    expect(play(begin(terms, 0), waiting).session.phase).toBe('running')
    expect(play(begin(terms, 0), [...waiting, counted(30n, false, 15_001)]).session.reason).toBe('slow')
    const answered = [...waiting, { type: 'accepted', amount: wei(1_040n) } as const]
    expect(play(begin(terms, 0), [...answered, counted(30n, false, 90_000)]).session.phase).toBe('running')
    const deaf = [counted(10n), { type: 'detached' } as const, counted(30n, false, 60_000)]
    expect(play(begin(terms, 0), deaf).session.phase).toBe('running')
    const back = [...deaf, { type: 'reattached' } as const]
    expect(play(begin(terms, 0), [...back, counted(30n, false, 75_000)]).session.phase).toBe('running')
    expect(play(begin(terms, 0), [...back, counted(30n, false, 75_001)]).session.reason).toBe('slow')
  })

  it('leaves a provider that counts more than loss explains', () => {
    const own = 50_000_000n
    const fair = { type: 'usage', ...count(own + 1_500_000n + 2_000_000n) } as const
    const unfair = { type: 'usage', ...count(own + 1_500_000n + 2_000_001n) } as const
    expect(play(begin(terms, 0), [counted(own), fair]).session.phase).toBe('running')
    expect(play(begin(terms, 0), [counted(own), unfair]).session.reason).toBe('counts')
  })

  it('wants another carrier once half of the credit is lost beyond what loss explains', () => {
    const own = 50_000_000n
    const told = (lost: bigint) =>
      step(play(begin(terms, 0), [counted(own)]).session, {
        type: 'usage',
        ...count(own + 1_500_000n + lost),
      }).effects
    expect(told(1_000_000n)).toEqual([])
    expect(told(1_000_001n)).toEqual([{ type: 'lossy' }])
  })

  it('pays for what packets carry, not for their headers, and compares counts alike', () => {
    const paying: SessionEvent = {
      type: 'counted',
      count: count(1_040_000n, 0n, 800n),
      atMs: 0,
      limitReached: false,
    }
    const { session, effects } = play(begin(terms, 0), [paying])
    // 1,040,000 less 800 × 52: not a byte of a second megabyte.
    expect(promised(effects)).toEqual([1_040n])
    // The same traffic as another kernel hands it on: fewer packets, each with more in it.
    const merged = { type: 'usage', ...count(1_040_000n - 790n * 52n, 0n, 10n) } as const
    expect(step(session, merged).session.phase).toBe('running')
  })

  it('lets a provider forward what was promised and its credit before it arrives', () => {
    const early = { type: 'usage', ...count(3_000_000n) } as const
    expect(play(begin(terms, 0), [counted(100n), early]).session.phase).toBe('running')
    const more = { type: 'usage', ...count(3_000_001n) } as const
    expect(play(begin(terms, 0), [counted(100n), more]).session.reason).toBe('counts')
  })

  it('costs time while it forwards, and none while it is suspended', () => {
    const hourly = { ...terms, price: { perMegabyte: weiPerMegabyte(0n), perHour: weiPerHour(3_600n) } }
    const { session } = play(begin(hourly, 0), [
      counted(0n, false, 10_000),
      { type: 'suspended', atMs: 10_000 },
      { type: 'resumed', atMs: 60_000 },
      counted(0n, false, 65_500),
    ])
    expect(owedIn(session)).toBe(15n)
  })

  it('pays the seconds that its provider has begun when it is held back before its own are over', () => {
    const hourly = { ...terms, price: { ...terms.price, perHour: weiPerHour(3_600n) } }
    const { session, effects } = play(begin(hourly, 0), [
      counted(0n, false, 800),
      { type: 'suspended', atMs: 819 },
      counted(0n, false, 900),
      { type: 'resumed', atMs: 950 },
      counted(0n, false, 1_900),
      counted(0n, false, 3_200),
    ])
    // Two seconds more than are over, once; what it owes by then is counted as ever.
    expect(promised(effects)).toEqual([1_002n, 1_003n])
    expect(owedIn(session)).toBe(3n)
  })

  it('says again what it promised when it is held back and owes no more', () => {
    const { effects } = play(begin(terms, 0), [
      counted(1_500_000n),
      { type: 'accepted', amount: wei(1_080n) },
      { type: 'suspended', atMs: 1_000 },
      counted(1_500_000n, false, 2_900),
      counted(1_500_000n, false, 3_000),
      counted(1_500_000n, false, 4_900),
      counted(1_500_000n, false, 5_000),
      { type: 'resumed', atMs: 5_100 },
      counted(1_500_000n, false, 9_000),
    ])
    expect(promised(effects)).toEqual([1_080n, 1_080n, 1_080n])
  })

  it('waits for the confirmation before it says its total again', () => {
    const { effects } = play(begin(terms, 0), [
      counted(1_500_000n),
      { type: 'suspended', atMs: 1_000 },
      counted(1_500_000n, false, 9_000),
    ])
    expect(promised(effects)).toEqual([1_080n])
  })

  it('stays ended', () => {
    const { session } = play(begin(terms, 0), [
      { type: 'stop', reason: 'lost' },
      { type: 'halted', count: count(0n), atMs: 0 },
      { type: 'settled' },
    ])
    const more = play(session, [counted(9_000_000n), { type: 'stop', reason: 'user' }, { type: 'settled' }])
    expect(more.effects).toEqual([])
    expect(more.session.reason).toBe('lost')
  })
})

describe('whatever happens to a session', () => {
  const amount = fc.bigInt({ min: 0n, max: 200_000_000n })
  const counters = {
    ...{ downBytes: amount.map(bytes), upBytes: amount.map(bytes) },
    ...{ downPackets: amount, upPackets: amount },
  }
  const counting = fc.record(counters)
  const instant = fc.integer({ min: 0, max: 10_000_000 })
  const event: fc.Arbitrary<SessionEvent> = fc.oneof(
    fc.record({
      type: fc.constant('counted' as const),
      count: counting,
      atMs: instant,
      limitReached: fc.boolean(),
    }),
    fc.record({ type: fc.constant('accepted' as const), amount: amount.map(wei) }),
    fc.record({
      type: fc.constant('usage' as const),
      ...counters,
    }),
    fc.record({ type: fc.constant('suspended' as const), atMs: instant }),
    fc.record({ type: fc.constant('resumed' as const), atMs: instant }),
    fc.constant({ type: 'reattached' as const }),
    fc.constant({ type: 'stop' as const, reason: 'user' as const }),
    fc.record({
      type: fc.constant('halted' as const),
      count: counting,
      atMs: instant,
    }),
    fc.constant({ type: 'settled' as const }),
  )
  const start = fc.record({
    price: fc.record({
      perMegabyte: fc.bigInt({ min: 0n, max: 10n ** 15n }).map(weiPerMegabyte),
      perHour: fc.bigInt({ min: 0n, max: 10n ** 15n }).map(weiPerHour),
    }),
    base: amount.map(wei),
    above: fc.bigInt({ min: 0n, max: 10n ** 18n }),
    credit: amount.map(bytes),
    raiseBelow: fc.bigInt({ min: 0n, max: 10n ** 6n }).map(wei),
    limit: fc.constant(undefined),
    limitedBy: fc.constantFrom('cap' as const, 'ceiling' as const),
    ceilingIs: fc.constantFrom('ceiling' as const, 'budget' as const),
  })

  it('no total falls, passes the ceiling, or is above what was counted by then, or a tick ahead without credit or held back', () => {
    fc.assert(
      fc.property(start, fc.array(event, { maxLength: 60 }), ({ above, ...given }, events) => {
        let session = begin({ ...given, ceiling: wei(given.base + above) }, 0)
        let total = given.base
        // Packets without much in them lower what is charged, and what was promised before stands.
        let most: bigint = 0n
        const ahead = given.credit === 0n ? { bytes: 131_072n, seconds: 1n } : { bytes: 0n, seconds: 0n }
        for (const each of events) {
          const isHeldBack = session.phase === 'suspended'
          const next = step(session, each)
          session = next.session
          const seconds = BigInt(Math.floor(session.forwardingMs / 1_000))
          const used = bytes(chargedBytes(session) + ahead.bytes)
          most = larger(most, owedFor(used, seconds + (isHeldBack ? 2n : ahead.seconds), given.price))
          for (const amount of promised(next.effects)) {
            expect(amount).toBeGreaterThanOrEqual(total)
            expect(amount).toBeLessThanOrEqual(given.base + above)
            expect(amount).toBeLessThanOrEqual(given.base + most)
            total = amount
          }
          expect(session.promised).toBe(total)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('counts and time never run backwards', () => {
    fc.assert(
      fc.property(start, fc.array(event, { maxLength: 60 }), ({ above, ...given }, events) => {
        let session = begin({ ...given, ceiling: wei(given.base + above) }, 0)
        for (const each of events) {
          const next = step(session, each).session
          expect(next.downBytes).toBeGreaterThanOrEqual(session.downBytes)
          expect(next.upBytes).toBeGreaterThanOrEqual(session.upBytes)
          expect(next.forwardingMs).toBeGreaterThanOrEqual(session.forwardingMs)
          session = next
        }
      }),
    )
  })
})
