import {
  type Address,
  bytes,
  bytesPerMegabyte,
  chargedBytes,
  type Hex,
  owedFor,
  type Price,
  toleratedLoss,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { knownGap, lastingGap, noReading, noteGap, settleGap } from './meter.js'
import {
  allowance,
  beginSession,
  charged,
  type Ending,
  type Session,
  type SessionEvent,
  step,
} from './session.js'

const price: Price = { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(0n) }
const channelId: Hex = `0x${'11'.repeat(32)}`

describe('the difference of two counts', () => {
  const credit = bytes(2_000_000n)
  const note = (gaps: readonly bigint[], settled = 0n) =>
    gaps.reduce((known, gap) => noteGap(known, bytes(100_000_000n + gap), bytes(100_000_000n), credit), {
      ...knownGap(bytes(settled)),
    })

  it('is no loss before it lasted for eight payments', () => {
    expect(lastingGap(note(Array(7).fill(5_000_000n)))).toBe(0n)
    expect(lastingGap(note(Array(8).fill(5_000_000n)))).toBe(4_000_000n)
  })

  it('is no loss as far as half of the credit explains it', () => {
    expect(lastingGap(note(Array(8).fill(1_000_000n)))).toBe(0n)
  })

  it('is no larger than the least of the last eight', () => {
    expect(lastingGap(note([0n, ...Array<bigint>(7).fill(9_000_000n)]))).toBe(0n)
    expect(lastingGap(note([3_000_000n, ...Array<bigint>(7).fill(9_000_000n)]))).toBe(2_000_000n)
    expect(lastingGap(note([3_000_000n, ...Array<bigint>(8).fill(9_000_000n)]))).toBe(8_000_000n)
  })

  it('is loss in full once nothing is on its way, and stays', () => {
    const settled = settleGap(knownGap(bytes(0n)), bytes(10_500_000n), bytes(10_000_000n))
    expect(lastingGap(settled)).toBe(500_000n)
    expect(lastingGap(settleGap(settled, bytes(11_000_000n), bytes(11_000_000n)))).toBe(500_000n)
    expect(lastingGap(note(Array(8).fill(0n), 500_000n))).toBe(500_000n)
  })
})

/** Milliseconds of a step of the simulation. */
const stepMs = 10
/** What these bytes in packets of one size are charged as. */
const chargedOf = (size: bigint, packetBytes: bigint): bigint =>
  chargedBytes({
    ...noReading,
    downBytes: bytes(size),
    downPackets: size / packetBytes,
  })

/** A line with a consumer at its end. Sizes are bytes a step, times are steps. */
interface Line {
  readonly speed: bigint
  /** Size of the packets that travel. */
  readonly packetBytes: bigint
  readonly creditBytes: bigint
  readonly lostPerMille: bigint
  /** Steps until what is forwarded has arrived. */
  readonly transit: number
  /** Steps from a look at the counter to the kernel's larger limit. */
  readonly paymentLag: number
  readonly lookEvery: number
  /** Of what it counts the consumer pays so much. */
  readonly paidPerMille: bigint
  /** The step in which it stops paying. */
  readonly stopsAt: number
}

interface Outcome {
  readonly session: Session
  readonly ending: Ending | undefined
  /** Arrived at the consumer, without headers. */
  readonly received: bigint
  readonly lost: bigint
  readonly covered: bigint
  /** Longest time in which nothing was forwarded. */
  readonly longestPauseMs: number
}

/** Kernel, provider and consumer, step by step. The kernel stops at the last limit it was told. */
function run(line: Line, steps: number): Outcome {
  const { packetBytes } = line
  let session = beginSession({
    id: 's',
    consumer: `0x${'22'.repeat(20)}` as Address,
    channelId,
    price,
    credit: {
      atFirst: bytes(line.creditBytes),
      atMost: bytes(line.creditBytes),
      perSecond: bytes(5n * line.creditBytes),
    },
    graceSeconds: 30,
    base: wei(0n),
    ceiling: wei(10n ** 15n),
  })
  let ending: Ending | undefined
  let forwarded = 0n
  let dropped = 0n
  let lost = 0n
  let received = 0n
  let saidAt = 0
  let metered = 0
  let isDropping = false
  let pause = 0
  let longestPause = 0
  const arriving: { at: number; size: bigint }[] = []
  const promises: { at: number; total: bigint }[] = []
  const advance = (event: SessionEvent) => {
    const next = step(session, event)
    session = next.session
    for (const effect of next.effects) if (effect.type === 'end') ending = effect.ending
  }
  for (let now = 1; now <= steps && ending === undefined; now++) {
    const limit = allowance(session) ?? 0n
    const room = session.phase === 'forwarding' && limit > forwarded ? limit - forwarded : 0n
    const passing = room < line.speed ? room : line.speed
    forwarded += passing
    if (session.phase === 'forwarding') dropped += line.speed - passing
    pause = passing === 0n ? pause + 1 : 0
    longestPause = Math.max(longestPause, pause)
    const gone = (forwarded * line.lostPerMille) / 1_000n - lost
    lost += gone
    arriving.push({ at: now + line.transit, size: passing - gone })
    while (arriving[0] && arriving[0].at <= now) received += arriving.shift()?.size ?? 0n
    if (now % line.lookEvery === 0 && now < line.stopsAt) {
      const due = owedFor(bytes((chargedOf(received, packetBytes) * line.paidPerMille) / 1_000n), 0n, price)
      const said = promises.at(-1)?.total ?? 0n
      const isHeld = session.phase === 'suspended' && (now - saidAt) * stepMs >= 2_000
      if (due > said || (isHeld && said > 0n)) {
        promises.push({ at: now + line.paymentLag, total: due })
        saidAt = now
      }
    }
    const wasSuspended = session.phase === 'suspended'
    const arrived = promises.filter(({ at }) => at === now)
    for (const { total } of arrived) advance({ type: 'promised', total: wei(total) })
    if (now % 25 === 0 || (arrived.length > 0 && (isDropping || wasSuspended))) {
      const reading = {
        ...noReading,
        downBytes: bytes(forwarded),
        downPackets: forwarded / packetBytes,
        dropped: bytes(dropped),
      }
      isDropping = dropped > session.reading.dropped
      advance({ type: 'metered', reading, elapsedMs: (now - metered) * stepMs })
      metered = now
    }
  }
  for (const { size } of arriving) received += size
  const covered = (session.promised / 40n) * bytesPerMegabyte
  return {
    session,
    ending,
    received: chargedOf(received, packetBytes),
    lost,
    covered,
    longestPauseMs: longestPause * stepMs,
  }
}

/** Lines from 1 Mbit/s to 3 Gbit/s, with the credit of docs/protocol.md and payments that keep up. */
const honestLine = fc
  .record({
    speed: fc.integer({ min: 1_250, max: 3_750_000 }),
    packetBytes: fc.constantFrom(1_280n, 1_420n, 60_000n),
    lostPerMille: fc.integer({ min: 0, max: 25 }),
    transit: fc.integer({ min: 0, max: 3 }),
    paymentLag: fc.integer({ min: 1, max: 4 }),
    lookEvery: fc.integer({ min: 1, max: 3 }),
  })
  .map(
    ({ speed, lostPerMille, ...times }): Line => ({
      ...times,
      speed: BigInt(speed),
      lostPerMille: BigInt(lostPerMille),
      creditBytes: speed * 20 > 2_000_000 ? BigInt(speed * 20) : 2_000_000n,
      paidPerMille: 1_000n,
      stopsAt: Number.POSITIVE_INFINITY,
    }),
  )

/** Half a minute. */
const steps = 3_000

describe('a provider and its consumer, simulated', () => {
  it('serves one that pays what arrives, at up to 2.5 % loss, with hardly a pause', () => {
    fc.assert(
      fc.property(honestLine, (line) => {
        const { ending, longestPauseMs, session } = run(line, steps)
        expect(ending).toBeUndefined()
        expect(longestPauseMs).toBeLessThan(3_000)
        // Where 2 % are lost and payments take half of the credit, it stands still for 2 s in ten: 0.739 is the least that 18,000 lines got.
        expect(charged(session)).toBeGreaterThan((line.speed * BigInt(steps) * 7n) / 10n)
      }),
      { numRuns: 60 },
    )
  })

  it('gives one that stops paying the credit and no more', () => {
    fc.assert(
      fc.property(honestLine, fc.integer({ min: 1, max: 2_500 }), (line, stopsAt) => {
        const { received, covered, ending } = run({ ...line, stopsAt }, 7_000)
        expect(received - covered).toBeLessThanOrEqual(line.creditBytes)
        if (covered + line.creditBytes < line.speed * 3_000n) expect(ending?.code).toBe('payment-overdue')
      }),
      { numRuns: 60 },
    )
  })

  it('gives one whose payments lag more than the credit bears no more than credit and lag', () => {
    fc.assert(
      fc.property(
        honestLine,
        fc.integer({ min: 10, max: 300 }),
        fc.integer({ min: 1, max: 2_500 }),
        (line, paymentLag, stopsAt) => {
          const { received, covered } = run({ ...line, paymentLag, stopsAt }, 7_000)
          const lagging = line.speed * BigInt(paymentLag + line.transit + line.lookEvery)
          expect(received - covered).toBeLessThanOrEqual(line.creditBytes + lagging)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('ends one that pays 96 % or less, whatever its packets, with both figures, having given what is put up with', () => {
    fc.assert(
      fc.property(honestLine, fc.integer({ min: 10, max: 960 }), (line, paidPerMille) => {
        const fast = { ...line, lostPerMille: 0n, speed: line.speed < 100_000n ? 100_000n : line.speed }
        const { ending, covered, session } = run({ ...fast, paidPerMille: BigInt(paidPerMille) }, 30_000)
        expect(ending).toMatchObject({ code: 'counts-differ', provider: charged(session), consumer: covered })
        const most = covered + toleratedLoss(bytes(covered)) + fast.creditBytes
        expect(charged(session)).toBeLessThanOrEqual(most)
      }),
      { numRuns: 60 },
    )
  })
})
