import { type Address, type Hex, type Signed, unixSeconds } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { OpenTerms } from './openTerms.js'

const id = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`
const consumer = (number: number) => `0x${number.toString(16).padStart(40, '0')}` as Address
const terms = (who: number, channel: number, issuedAt = 1_000) =>
  ({
    channelId: id(channel),
    consumer: consumer(who),
    issuedAt: unixSeconds(issuedAt),
  }) as unknown as Signed<'SessionTerms'>

describe('terms that wait for their session', () => {
  it('are found until they have waited for ten minutes, and once only', () => {
    const open = new OpenTerms()
    open.keep(terms(1, 1))
    expect(open.find(id(1), 1_600)).toBeDefined()
    expect(open.find(id(1), 1_601)).toBeUndefined()
    open.take(id(1))
    expect(open.find(id(1), 1_000)).toBeUndefined()
  })

  it('are four of one consumer at most: its newest', () => {
    const open = new OpenTerms()
    for (let channel = 1; channel <= 1_000; channel++) open.keep(terms(1, channel))
    open.keep(terms(2, 5_000))
    expect(open.count).toBe(5)
    expect(open.find(id(997), 1_000)).toBeDefined()
    expect(open.find(id(996), 1_000)).toBeUndefined()
    expect(open.find(id(5_000), 1_000)).toBeDefined()
  })

  it('cost as little to ask for when a hundred thousand were asked for before', () => {
    const open = new OpenTerms()
    const timed = (from: number) => {
      const began = performance.now()
      for (let number = from; number < from + 1_000; number++) open.keep(terms(number, number))
      return performance.now() - began
    }
    timed(1)
    const few = timed(1_001)
    for (let number = 10_000; number < 110_000; number++) open.keep(terms(number, number))
    const many = timed(200_000)
    expect(open.count).toBeLessThanOrEqual(4_000)
    // Scanning all that had not expired took a hundred times as long.
    expect(many).toBeLessThan(20 * few + 50)
  })

  it('go when they have expired, without being asked for', () => {
    const open = new OpenTerms()
    for (let number = 1; number <= 100; number++) open.keep(terms(number, number))
    open.keep(terms(1_000, 1_000, 1_601))
    expect(open.count).toBe(1)
  })
})
