import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, type UnixSeconds, unixSeconds, wei } from '@pontage/shared'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inToken, noLimits, withBudget } from '../../core/limits.js'
import { type Journal, openJournal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import { leftNow, limitsFrom, UsedUp } from './limits.js'
import { recordUsage } from './usage.js'

const variables = ['PONTAGE_CONSUMER_CAP', 'PONTAGE_CONSUMER_MAX_PRICE']
let home = ''
let journal: Journal
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-limits-'))
  journal = await openJournal(home)
})
afterEach(async () => {
  for (const name of variables) delete process.env[name]
  await journal.close()
  await rm(home, { recursive: true, force: true })
})

const november = unixSeconds(1_796_083_000)
const december = unixSeconds(1_796_084_000)
const nothing = { bytes: bytes(0n), spent: wei(0n) }
const at = (now: UnixSeconds): Context => ({ calendar: { now: () => now } }) as unknown as Context

describe('limits', () => {
  it('of flag, environment and configuration hold together, the strictest price among them', async () => {
    await writeFile(join(home, 'config.yaml'), 'max-price: 0.02/GB\ncap: 10GB/month\nbudget: [1, 5/month]\n')
    process.env.PONTAGE_CONSUMER_MAX_PRICE = '0.5/h'
    process.env.PONTAGE_CONSUMER_CAP = '2GB'
    const argv = { home, json: false, logLevel: 'error', maxPrice: ['0.05/GB', '9/h'], cap: '500MB' } as const
    const limits = inToken(limitsFrom(argv), 6)
    expect(limits.maxPrice).toEqual({ perMegabyte: 20n, perHour: 500_000n })
    expect(limits.caps).toEqual([
      { amount: 500_000_000n, period: 'connect' },
      { amount: 2_000_000_000n, period: 'connect' },
      { amount: 10_000_000_000n, period: 'month' },
    ])
    expect(limits.budgets).toEqual([
      { amount: 1_000_000n, period: 'connect' },
      { amount: 5_000_000n, period: 'month' },
    ])
    expect(leftNow(at(november), journal, limits, nothing)).toEqual({ cap: 500_000_000n, budget: 1_000_000n })
  })

  it('of one connection count what each of its providers was paid, however dear the next one is', () => {
    const limits = withBudget(noLimits, wei(50n))
    expect(leftNow(at(november), journal, limits, { ...nothing, spent: wei(30n) }).budget).toBe(20n)
    expect(() => leftNow(at(november), journal, limits, { ...nothing, spent: wei(50n) })).toThrow(UsedUp)
  })

  it('that cannot be read, or let nothing through, are refused', () => {
    const argv = { home, json: false, logLevel: 'error' } as const
    expect(() => limitsFrom({ ...argv, cap: '0B' })).toThrow(/lets nothing through/)
    expect(() => limitsFrom({ ...argv, cap: '5' })).toThrow(/MB/)
    expect(() => limitsFrom({ ...argv, budget: '1/day' })).toThrow(/month/)
    expect(() => inToken(limitsFrom({ ...argv, budget: '0.0000001' }), 6)).toThrow(/the token has 6/)
    expect(inToken(limitsFrom(argv), 6)).toEqual(noLimits)
  })

  it('of a month count what was written down in it, whatever session and process it was', async () => {
    const limits = {
      ...noLimits,
      caps: [{ amount: bytes(1_000_000n), period: 'month' }],
      budgets: [{ amount: wei(50n), period: 'month' }],
    } as const
    await recordUsage(at(november), journal, 'a', bytes(300_000n))
    await recordUsage(at(november), journal, 'a', bytes(400_000n))
    await recordUsage(at(november), journal, 'b', bytes(100_000n))
    await journal.record({
      ...{ kind: 'total', channelId: `0x${'c1'.repeat(32)}`, provider: `0x${'a1'.repeat(20)}` as never },
      ...{ amount: wei(20n), at: november },
    })
    await journal.close()
    journal = await openJournal(home)
    expect(leftNow(at(november), journal, limits, nothing)).toEqual({ cap: 500_000n, budget: 30n })
    // A session that goes on over the end of the month counts in each for what flowed in it.
    await recordUsage(at(december), journal, 'a', bytes(650_000n))
    expect(leftNow(at(december), journal, limits, nothing)).toEqual({ cap: 750_000n, budget: 50n })
    expect(journal.trail().usage.usedIn('2026-11')).toBe(500_000n)
    // Less than a packet is no session.
    await recordUsage(at(november), journal, 'c', bytes(440_000n))
    expect(() => leftNow(at(november), journal, limits, nothing)).toThrow(/cap is used up/)
  })
})
