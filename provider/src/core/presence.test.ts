import { describe, expect, it } from 'vitest'
import { look } from './presence.js'

describe('a consumer’s presence', () => {
  it('counts from the first look while it was never heard of', () => {
    const first = look(undefined, 0n, 1_030)
    expect(first.heardAtMs).toBe(1_030)
    expect(look(first, 0n, 1_060).heardAtMs).toBe(1_030)
  })

  it('is renewed by every byte, and by nothing else', () => {
    const first = look(undefined, 500n, 1_030)
    const silent = look(first, 500n, 1_060)
    expect(silent.heardAtMs).toBe(1_030)
    expect(look(silent, 532n, 1_090).heardAtMs).toBe(1_090)
  })

  it('is not lost when WireGuard counts from zero again', () => {
    const anew = look(look(undefined, 500n, 1_030), 0n, 1_060)
    expect(anew.heardAtMs).toBe(1_030)
    expect(look(anew, 148n, 1_090).heardAtMs).toBe(1_090)
  })
})
