import { type Address, address, type Hex, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { freeAfter } from './heldBack.js'

const channel: Hex = `0x${'c1'.repeat(32)}`
const [anna, ben]: Address[] = [address(`0x${'a1'.repeat(20)}`), address(`0x${'b2'.repeat(20)}`)]
if (!anna || !ben) throw new Error('Nobody is there.')
const session = (provider: Address, base: bigint, promised: bigint, ceiling: bigint) => ({
  ...{ channelId: channel, provider },
  ...{ base: wei(base), promised: wei(promised), ceiling: wei(ceiling) },
})

describe('what a channel can stand for after earlier sessions', () => {
  it('is all of it before the first', () => {
    expect(freeAfter(wei(100n), channel, anna, [])).toBe(100n)
  })

  it('is less what the hub guaranteed to others, and what was promised to the same provider', () => {
    const past = [session(anna, 1_000n, 1_010n, 1_040n)]
    expect(freeAfter(wei(100n), channel, ben, past)).toBe(60n)
    expect(freeAfter(wei(100n), channel, anna, past)).toBe(90n)
  })

  it('counts the sessions of one provider once', () => {
    const past = [session(anna, 0n, 10n, 40n), session(anna, 10n, 30n, 60n), session(ben, 0n, 5n, 20n)]
    expect(freeAfter(wei(100n), channel, anna, past)).toBe(50n)
    expect(freeAfter(wei(100n), channel, ben, past)).toBe(35n)
  })

  it('is nothing rather than less, and knows its own channel only', () => {
    const past = [session(anna, 0n, 10n, 400n)]
    expect(freeAfter(wei(100n), channel, ben, past)).toBe(0n)
    expect(freeAfter(wei(100n), `0x${'c2'.repeat(32)}`, ben, past)).toBe(100n)
  })
})
