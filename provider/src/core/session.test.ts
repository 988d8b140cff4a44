import {
  type Address,
  bytes,
  bytesPerMegabyte,
  type Hex,
  owedFor,
  type Price,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextCredit } from './credit.js'
import { noReading, type Reading } from './meter.js'
import {
  allowance,
  beginSession,
  charged,
  creditInUse,
  isAtRest,
  owed,
  resumeSession,
  type Session,
  type SessionEvent,
  step,
} from './session.js'

const price: Price = { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(0n) }
const credit = bytes(2_000_000n)
const noCredit = { atFirst: bytes(0n), atMost: bytes(0n), perSecond: bytes(10_000_000n) }
const channelId: Hex = `0x${'11'.repeat(32)}`

const begin = (changes: Partial<Parameters<typeof beginSession>[0]> = {}): Session =>
  beginSession({
    id: 's',
    consumer: `0x${'22'.repeat(20)}` as Address,
    channelId,
    price,
    credit: { atFirst: credit, atMost: credit, perSecond: bytes(10_000_000n) },
    graceSeconds: 30,
    base: wei(1_000n),
    ceiling: wei(41_000n),
    ...changes,
  })

const reading = (down: bigint, up = 0n, dropped = 0n, packets = 0n): Reading => ({
  ...noReading,
  downBytes: bytes(down),
  upBytes: bytes(up),
  dropped: bytes(dropped),
  downPackets: packets,
})

const metered = (down: bigint, elapsedMs = 50, dropped = 0n): SessionEvent => ({
  type: 'metered',
  reading: reading(down, 0n, dropped),
  elapsedMs,
})

/** Runs events through, and gives the last session with every effect on the way. */
function play(session: Session, events: readonly SessionEvent[]) {
  const effects: string[] = []
  let now = session
  for (const event of events) {
    const next = step(now, event)
    now = next.session
    effects.push(...next.effects.map((effect) => (effect.type === 'end' ? effect.ending.code : effect.type)))
  }
  return { session: now, effects }
}

it('comes to the same where it is told that nothing was counted as where it is told the same count again', () => {
  const events = fc.array(
    fc.oneof(
      fc.record({ type: fc.constant('metered'), more: fc.nat(2), elapsedMs: fc.nat(20_000) }),
      fc.record({ type: fc.constant('promised'), more: fc.nat(3) }),
      fc.record({ type: fc.constantFrom('linked', 'unlinked') }),
    ),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(events, fc.constantFrom(0n, 3_600n), (given, perHour) => {
      const opening = { price: { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(perHour) } }
      let [told, again] = [begin(opening), begin(opening)]
      let counted = noReading
      let total = 1_000n
      for (const event of given) {
        if (event.type === 'metered' && event.more > 0)
          counted = reading(counted.downBytes + BigInt(event.more) * 900_000n)
        if (event.type === 'promised') total += BigInt(event.more) * 40n
        const make = (of: Reading): SessionEvent =>
          event.type === 'metered'
            ? { type: 'metered', reading: of, elapsedMs: event.elapsedMs }
            : event.type === 'promised'
              ? { type: 'promised', total: wei(total) }
              : { type: event.type as 'linked' | 'unlinked' }
        const rests = isAtRest(told, counted)
        const before = allowance(told)
        const [one, other] = [step(told, make(counted)), step(again, make({ ...counted }))]
        expect(one).toEqual(other)
        if (rests && event.type === 'metered') {
          expect(one.effects).toEqual([])
          expect(allowance(one.session)).toBe(before)
        }
        told = one.session
        again = other.session
      }
    }),
  )
})

describe('the sessions of one identity that run at once', () => {
  const atMost = bytes(4_000_000n)
  const stake = wei(10n ** 18n)
  /** Each is paid in part before the next one opens, and for so many megabytes more once all are open. */
  const open = (parts: readonly bigint[], megabytes: bigint): Session[] => {
    const running: Session[] = []
    let promised = 0n
    for (const part of parts) {
      const history = { promised: wei(promised), unpaid: wei(0n) }
      const given = nextCredit(history, stake, atMost, price, creditInUse(running))
      const total = wei(1_000n + part)
      running.push(step(begin({ credit: given }), { type: 'promised', total }).session)
      promised += part
    }
    const total = wei(1_000n + megabytes * 40n)
    return running.map((session) => step(session, { type: 'promised', total }).session)
  }

  it('have together no more credit than the offer allows for, in whatever order they open and pay', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(0n, 400n), { maxLength: 20 }),
        fc.bigInt(0n, 60n),
        (parts, megabytes) => {
          expect(creditInUse(open(parts, megabytes)).now).toBeLessThanOrEqual(atMost)
        },
      ),
    )
    expect(creditInUse(open([39n, 39n, 39n], 20n)).now).toBeLessThanOrEqual(atMost)
  })
})

describe('a session', () => {
  it('forwards the credit before the first payment, and no more', () => {
    expect(allowance(begin())).toBe(credit)
  })

  it('owes the megabyte begun, on top of what was promised before', () => {
    const { session } = play(begin(), [metered(1n)])
    expect(owed(session)).toBe(1_040n)
  })

  it('is suspended once the credit is used up, and resumed by the payment', () => {
    const used = play(begin(), [metered(2_000_000n)])
    expect(used.effects).toEqual(['suspend'])
    const paid = play(used.session, [{ type: 'promised', total: wei(1_080n) }])
    expect(paid.effects).toEqual(['resume'])
    expect(allowance(paid.session)).toBe(4_000_000n)
  })

  it('that is lent forwards no more than its payer pays for, however much is paid or free', () => {
    const lent = begin({ lent: { limit: bytes(3_000_000n) } })
    expect(allowance(lent)).toBe(credit)
    const paid = play(lent, [metered(2_000_000n), { type: 'promised', total: wei(1_400n) }])
    expect(allowance(paid.session)).toBe(3_000_000n)
    expect(play(paid.session, [metered(3_000_000n)]).effects).toEqual(['suspend'])
    const free = { perMegabyte: weiPerMegabyte(0n), perHour: weiPerHour(0n) }
    expect(allowance(begin({ price: free, lent: { limit: bytes(5n) } }))).toBe(5n)
    expect(allowance(begin({ price: free, lent: { limit: undefined } }))).toBeUndefined()
  })

  it('is suspended short of the credit when the next packet did not fit', () => {
    expect(play(begin(), [metered(1_990_000n, 50, 60_000n)]).effects).toEqual(['suspend'])
    expect(play(begin(), [metered(1_000_000n, 50, 60_000n)]).effects).toEqual([])
  })

  it('ends after the grace, with what is owed and what was paid', () => {
    const { effects } = play(begin(), [
      metered(2_000_000n),
      metered(2_000_000n, 30_000),
      metered(2_000_000n, 1),
    ])
    expect(effects).toEqual(['suspend', 'payment-overdue'])
  })

  it('ends for the guarantee when nothing more can be promised under it', () => {
    const { effects } = play(begin({ ceiling: wei(1_040n) }), [
      { type: 'promised', total: wei(1_040n) },
      metered(3_000_000n),
      metered(3_000_000n, 30_001),
    ])
    expect(effects).toEqual(['suspend', 'over-ceiling'])
  })

  it('ends for the guarantee when what is left of it does not pay for another megabyte', () => {
    const { effects } = play(begin({ ceiling: wei(1_048n), credit: noCredit }), [
      { type: 'promised', total: wei(1_048n) },
      metered(1_000_000n, 50, 250_000n),
      metered(1_000_000n, 2_000),
      { type: 'promised', total: wei(1_048n) },
      metered(1_000_000n, 28_001),
    ])
    expect(effects).toEqual(['suspend', 'over-ceiling'])
  })

  it('ends for the guarantee when the last second that it pays for is over', () => {
    const byTime = { perMegabyte: weiPerMegabyte(0n), perHour: weiPerHour(36_000n) }
    const { effects } = play(begin({ price: byTime, ceiling: wei(1_010n), credit: noCredit }), [
      { type: 'linked' },
      { type: 'promised', total: wei(1_010n) },
      metered(1n, 1_000),
      ...Array.from({ length: 10 }, (_, second) => metered(BigInt(second + 2) * 1_000n, 1_000)),
      metered(11_000n, 30_001),
    ])
    expect(effects).toEqual(['suspend', 'over-ceiling'])
  })

  it('goes on while loss explains the difference, and ends with both counts when it does not', () => {
    const events = (lossPercent: bigint) =>
      Array.from({ length: 200 }, (_, index): SessionEvent[] => {
        const arrived = BigInt(index + 1) * bytesPerMegabyte
        return [
          { type: 'promised', total: wei(1_000n + owedFor(bytes(arrived), 0n, price)) },
          metered((arrived * 100n) / (100n - lossPercent)),
        ]
      }).flat()
    expect(play(begin(), events(2n)).effects).toEqual([])
    const lossy = play(begin(), events(8n))
    expect(lossy.effects).toContain('suspend')
    const over = play(lossy.session, [metered(lossy.session.reading.downBytes, 30_001)])
    expect(over.effects).toEqual(['counts-differ'])
  })

  it('takes what is missing for lost when its consumer, held back, owes no more', () => {
    // All of the credit was lost at once, after 100 megabytes.
    const paid: SessionEvent = { type: 'promised', total: wei(1_000n + 100n * 40n) }
    const { session } = play(begin(), [metered(100_000_000n), paid, metered(102_000_000n)])
    expect(session.phase).toBe('suspended')
    const hasty = play(session, [metered(102_000_000n, 500), paid])
    expect(hasty.effects).toEqual([])
    const settled = play(session, [metered(102_000_000n, 1_000), paid])
    expect(settled.effects).toEqual(['resume'])
    expect(allowance(settled.session)).toBe(104_000_000n)
  })

  it('ends with both counts one that, held back, owes no more though more is missing than loss explains', () => {
    const paid: SessionEvent = { type: 'promised', total: wei(1_000n + 10n * 40n) }
    const { effects } = play(begin(), [
      ...[paid, metered(12_000_000n), metered(12_000_000n, 2_000), paid],
      ...[metered(12_300_000n), metered(12_300_000n, 30_001)],
    ])
    expect(effects).toEqual(['suspend', 'resume', 'suspend', 'counts-differ'])
  })

  it('does not charge headers, so that a kernel that merges packets counts the same', () => {
    // The consumer's kernel counts 1,228 bytes of each 1,280 that ours counts, and pays for the megabytes begun.
    const events = (packetBytes: bigint) =>
      Array.from({ length: 300 }, (_, index): SessionEvent[] => {
        const paid = BigInt(index + 1) * bytesPerMegabyte
        const ours = (paid * 1_280n) / 1_228n
        return [
          { type: 'promised', total: wei(1_000n + owedFor(bytes(paid), 0n, price)) },
          { type: 'metered', reading: reading(ours, 0n, 0n, ours / packetBytes), elapsedMs: 50 },
        ]
      }).flat()
    expect(play(begin(), events(1_280n)).effects).toEqual([])
    expect(play(begin(), events(65_000n)).effects).toContain('suspend')
  })

  it('charges time only while it forwards', () => {
    const perHour = { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(3_600n) }
    const { session } = play(begin({ price: perHour }), [
      { type: 'linked' },
      { type: 'promised', total: wei(1_080n) },
      metered(0n, 10_000),
      metered(4_000_000n, 1_000),
      metered(4_000_000n, 20_000),
    ])
    expect(session.phase).toBe('suspended')
    expect(owed(session)).toBe(1_000n + 160n + 11n)
  })

  const timeOnly = { perMegabyte: weiPerMegabyte(0n), perHour: weiPerHour(3_600n) }

  it('with free traffic stands still when ten seconds are unpaid, of which the first count', () => {
    const unpaid = play(begin({ price: timeOnly }), [
      ...[metered(1n, 0), metered(9_000_000n, 10_000), metered(9_000_000n, 1_000)],
    ])
    expect(unpaid.effects).toEqual(['suspend'])
    expect(play(unpaid.session, [{ type: 'promised', total: wei(1_001n) }]).effects).toEqual(['resume'])
    // Twelve seconds have passed: the next one is unpaid again.
    const later = play(unpaid.session, [{ type: 'promised', total: wei(1_001n) }, metered(9_000_000n, 1_000)])
    expect(later.effects).toEqual(['resume', 'suspend'])
  })

  it('with free traffic forwards no more than paid time at the speed offered, and a second of it', () => {
    const session = begin({ price: timeOnly })
    expect(allowance(session)).toBe(10_000_000n)
    const paid = play(session, [{ type: 'promised', total: wei(1_003n) }]).session
    expect(allowance(paid)).toBe(40_000_000n)
    // What the kernel drops beyond it suspends nobody: time goes on, and is owed.
    expect(play(paid, [metered(40_000_000n, 3_000, 60_000n)]).effects).toEqual([])
  })

  it('that pays ahead forwards nothing unpaid, and a megabyte at a time', () => {
    const none = { atFirst: bytes(0n), atMost: credit, perSecond: bytes(10_000_000n) }
    const { session, effects } = play(begin({ credit: none }), [metered(0n)])
    expect(effects).toEqual(['suspend'])
    const paid = play(session, [{ type: 'promised', total: wei(1_040n) }])
    expect(paid.effects).toEqual(['resume'])
    expect(allowance(paid.session)).toBe(1_000_000n)
    const more = play(paid.session, [metered(900_000n), { type: 'promised', total: wei(1_400n) }])
    expect(allowance(more.session)).toBe(10_000_000n)
  })

  it('that pays ahead goes on when packets were lost, and not beyond what loss explains', () => {
    const none = { atFirst: bytes(0n), atMost: credit, perSecond: bytes(10_000_000n) }
    const paid: SessionEvent = { type: 'promised', total: wei(1_000n + 40n * 40n) }
    const used = play(begin({ credit: none }), [paid, metered(40_000_000n)]).session
    expect(used.phase).toBe('suspended')
    // Its consumer has counted less, owes no more by its own count, and says so.
    const forgiven = play(used, [metered(40_000_000n, 1_000), paid])
    expect(forgiven.effects).toEqual(['resume'])
    expect(allowance(forgiven.session)).toBe(41_000_000n)
    const again = play(forgiven.session, [metered(41_000_000n), metered(41_000_000n, 1_000), paid])
    expect(allowance(again.session)).toBe(41_200_000n)
    const over = play(again.session, [metered(41_200_000n), metered(41_200_000n, 1_000), paid])
    expect(over.session.phase).toBe('suspended')
  })

  it('lets credit grow by a quarter of what is paid, up to what the speed needs', () => {
    const growing = { atFirst: credit, atMost: bytes(25_000_000n), perSecond: bytes(125_000_000n) }
    const after = (megabytes: bigint) =>
      allowance(
        play(begin({ credit: growing, ceiling: wei(100_000n) }), [
          { type: 'promised', total: wei(1_000n + megabytes * 40n) },
        ]).session,
      )
    expect(after(40n)).toBe(40_000_000n + 12_000_000n)
    expect(after(400n)).toBe(400_000_000n + 25_000_000n)
  })

  it('ends when every connection has been gone for the grace', () => {
    expect(play(begin(), [{ type: 'unlinked' }, metered(0n, 30_001)]).effects).toEqual(['session-abandoned'])
    expect(play(begin(), [{ type: 'unlinked' }, { type: 'linked' }, metered(0n, 30_001)]).effects).toEqual([])
  })

  it('is over when it is over', () => {
    const { effects } = play(begin(), [
      { type: 'end', ending: { code: 'requested' } },
      { type: 'promised', total: wei(9_000n) },
      metered(9_000_000n),
    ])
    expect(effects).toEqual(['requested'])
  })
})

describe('laws of a session', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('bytes'), size: fc.integer({ min: 0, max: 3_000_000 }) }),
    fc.record({ kind: fc.constant('pay'), size: fc.integer({ min: 0, max: 400 }) }),
  )

  it('never lets the kernel forward more than paid, tolerated loss and credit', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let session = begin({ ceiling: wei(10n ** 9n) })
        for (const { kind, size } of events) {
          if (kind === 'pay') {
            session = step(session, { type: 'promised', total: wei(session.promised + BigInt(size)) }).session
          } else if (session.phase === 'forwarding') {
            // The kernel stops at the allowance, whatever is sent.
            const room = (allowance(session) ?? 0n) - charged(session)
            const passed = BigInt(size) < room ? BigInt(size) : room
            session = step(session, {
              type: 'metered',
              reading: {
                ...session.reading,
                downBytes: bytes(session.reading.downBytes + (passed > 0n ? passed : 0n)),
                dropped: bytes(session.reading.dropped + BigInt(size) - (passed > 0n ? passed : 0n)),
              },
              elapsedMs: 50,
            }).session
          }
          const paidBytes = ((session.promised - session.base) / 40n) * bytesPerMegabyte
          expect(charged(session)).toBeLessThanOrEqual(paidBytes + (paidBytes * 3n) / 100n + credit)
        }
      }),
    )
  })

  it('gives somebody who stops paying no more than the credit, when nothing was lost before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), (megabytes) => {
        let session = begin({ ceiling: wei(10n ** 9n) })
        for (let index = 1; index <= megabytes; index++) {
          session = step(session, { type: 'promised', total: wei(session.promised + 40n) }).session
          session = step(session, metered(BigInt(index) * bytesPerMegabyte)).session
        }
        expect((allowance(session) ?? 0n) - BigInt(megabytes) * bytesPerMegabyte).toBe(credit)
      }),
    )
  })

  it('never lowers what is paid, owed or allowed, in whatever order totals arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 30 }), (totals) => {
        let session = begin()
        for (const total of totals) {
          const next = step(session, { type: 'promised', total: wei(BigInt(total)) }).session
          expect(next.promised).toBeGreaterThanOrEqual(session.promised)
          expect(allowance(next) ?? 0n).toBeGreaterThanOrEqual(allowance(session) ?? 0n)
          session = next
        }
        expect(session.reading).toEqual(noReading)
      }),
    )
  })

  it('is never suspended for ever by somebody who pays what arrives, at up to 2 % loss', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 1_500 }),
        (lossPerMille, kilobytes) => {
          let session = begin({ ceiling: wei(10n ** 12n) })
          let sent = 0n
          let standing = 0
          for (let index = 0; index < 400; index++) {
            const arrived = (sent * BigInt(1_000 - lossPerMille)) / 1_000n
            const due = wei(session.base + owedFor(bytes(arrived), 0n, price))
            session = step(session, { type: 'promised', total: due }).session
            const room = (allowance(session) ?? 0n) - sent
            if (session.phase === 'forwarding') {
              const wanted = BigInt(kilobytes) * 1_000n
              sent += wanted < room ? wanted : room > 0n ? room : 0n
            }
            session = step(session, metered(sent, 50, BigInt(index))).session
            standing = session.phase === 'forwarding' ? 0 : standing + 1
            expect(standing).toBeLessThanOrEqual(25)
          }
          expect(session.phase).not.toBe('ended')
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('a session after a crash', () => {
  const resume = (down: bigint, paid: bigint) =>
    resumeSession(begin(), {
      ...{ promised: wei(paid), promises: 3, forwardedMs: 0, gap: bytes(0n) },
      reading: reading(down),
    })

  it('goes on with what it had used: no second credit', () => {
    const session = resume(5_000_000n, 1_120n)
    expect(allowance(session)).toBe(5_000_000n)
    const { effects } = play(session, [metered(5_000_000n)])
    expect(effects).toEqual(['suspend'])
  })

  it('ends when its consumer does not come back within the grace', () => {
    expect(play(resume(0n, 1_000n), [metered(0n, 31_000)]).effects).toEqual(['session-abandoned'])
    expect(play(resume(0n, 1_000n), [{ type: 'linked' }, metered(0n, 31_000)]).effects).toEqual([])
  })

  it('keeps what loss explained', () => {
    const session = resumeSession(begin(), {
      ...{ promised: wei(5_000n), promises: 3, forwardedMs: 0, gap: bytes(2_000_000n) },
      reading: reading(100_000_000n),
    })
    expect(allowance(session)).toBe(104_000_000n)
  })
})
