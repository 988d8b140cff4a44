import { wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type ProtestedChannel, protestStep } from './protestPlan.js'

const delays = { protestWindow: 1_000, maxGuarantee: 100 }
const now = 10_000
const channel = (changes: Partial<ProtestedChannel> = {}): ProtestedChannel => ({
  ...{ status: 'open', exitAt: 0, releasedUpTo: 0 },
  ...{ drawn: wei(0n), protested: wei(0n), protestEndsAt: 0 },
  ...changes,
})
const promise = { amount: wei(50n) }
const live = { ceiling: wei(100n), expiresAt: now + 1 }
const dead = { ceiling: wei(100n), expiresAt: now }
const plan = (
  changes: Partial<ProtestedChannel> = {},
  guarantee: typeof live | undefined = dead,
  at: number = now,
) => protestStep({ promise, guarantee }, channel(changes), delays, at)

describe('a promise without a guarantee', () => {
  it('is protested, and one with a live guarantee is not', () => {
    expect(plan()).toEqual({ type: 'open' })
    expect(plan({}, undefined)).toEqual({ type: 'open' })
    expect(plan({}, live)).toBeUndefined()
    expect(plan({}, { ...live, ceiling: wei(49n) })).toEqual({ type: 'open' })
  })

  it('needs nothing once it is drawn', () => {
    expect(plan({ drawn: wei(50n) })).toBeUndefined()
  })

  it('waits for its window, and is settled after it', () => {
    const running = { protested: wei(50n), protestEndsAt: now + 10 }
    expect(plan(running)).toEqual({ type: 'wait', until: now + 10 })
    expect(plan(running, dead, now + 10)).toEqual({ type: 'settle' })
  })

  it('replaces a smaller one early in its window, and waits when it is late for that', () => {
    const smaller = { protested: wei(20n) }
    expect(plan({ ...smaller, protestEndsAt: now + 100 })).toEqual({ type: 'open' })
    expect(plan({ ...smaller, protestEndsAt: now + 99 })).toEqual({ type: 'wait', until: now + 99 })
  })

  it('comes too late when the consumer leaves before the window would end', () => {
    expect(plan({ exitAt: now + 1_000 })).toEqual({ type: 'open' })
    expect(plan({ exitAt: now + 999 })?.type).toBe('lost')
  })

  it('can be protested after a conclusion that nobody asked us about, not after our release', () => {
    const closed = { status: 'closed' } as const
    expect(plan(closed)).toEqual({ type: 'open' })
    expect(plan({ ...closed, releasedUpTo: 5 })?.type).toBe('lost')
    expect(plan({ status: 'none' })?.type).toBe('lost')
  })

  it('counts a guarantee that was given up as none', () => {
    expect(plan({ releasedUpTo: now + 1 }, live)).toEqual({ type: 'open' })
  })
})
