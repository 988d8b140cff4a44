import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, unixSeconds, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { noLimits } from '../../core/limits.js'
import { begin } from '../../core/session.js'
import { createCalendar } from '../../io/calendar.js'
import { type Journal, openJournal } from '../../io/home/journal.js'
import { leftOfMonth } from './limits.js'
import { createSessionLoop } from './sessionLoop.js'
import { recordUsage } from './usage.js'
import { tellCount } from './watchSession.js'

let home = ''
let journal: Journal
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-watch-'))
  journal = await openJournal(home)
})
afterEach(async () => {
  await journal.close()
  await rm(home, { recursive: true, force: true })
})

const calendar = createCalendar({ now: () => unixSeconds(1_796_083_000) }, () => 0)
const cap = bytes(10_000_000n)

/** One of several sessions under a cap of a month, of which nothing was used when they began. */
function running(name: string) {
  const loop = createSessionLoop(
    begin(
      {
        ...{ price: { perMegabyte: weiPerMegabyte(20n), perHour: weiPerHour(0n) }, base: wei(0n) },
        ...{ credit: bytes(500_000n), raiseBelow: wei(0n), ceiling: wei(1_000n), ceilingIs: 'ceiling' },
        ...{ limit: cap, limitedBy: 'cap' },
      },
      0,
    ),
    async () => undefined,
  )
  const limits = {
    left: () => leftOfMonth({ calendar }, journal, { ...noLimits, caps: [{ amount: cap, period: 'month' }] }),
    write: () =>
      recordUsage({ calendar }, journal, name, bytes(loop.session.downBytes + loop.session.upBytes)),
  }
  const claim = (claimed: bigint, type: 'counted' | 'halted' = 'counted') => {
    const count = { downBytes: bytes(claimed), upBytes: bytes(0n), downPackets: 1n, upPackets: 0n }
    return tellCount(loop, limits, { type, count, atMs: 1, limitReached: false })
  }
  return { loop, claim }
}

it('sessions side by side pay together for what the cap of a month lets through, whatever is counted at once', async () => {
  const all = [running('a'), running('b'), running('c')]
  await Promise.all(all.map(({ claim }) => claim(6_000_000n)))
  await Promise.all(all.map(({ claim }) => claim(10_000_000n)))
  await Promise.all(all.map(({ claim }) => claim(10_000_000n, 'halted')))
  expect(all.map(({ loop }) => loop.session.reason)).toEqual(['cap', 'cap', 'cap'])
  expect(all.map(({ loop }) => loop.session.promised)).toEqual([120n, 80n, 0n])
  expect(journal.trail().usage.usedIn('2026-11')).toBe(cap)
})
