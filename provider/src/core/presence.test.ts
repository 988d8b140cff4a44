import { describe, expect, it } from 'vitest'
import { look } from './presence.js'

const startedAt = 1_000

describe('a consumer’s presence', () => {
  it('counts from its session’s begin while it was never heard of', () => {
    const first = look(undefined, undefined, { now: 1_030, startedAt })
    expect(first.heardAt).toBe(startedAt)
    const heard = { handshakeAt: undefined, receivedBytes: 0n }
    expect(look(first, heard, { now: 1_060, startedAt }).heardAt).toBe(startedAt)
  })

  it('is renewed by every byte, and by nothing else', () => {
    const heard = { handshakeAt: 1_001, receivedBytes: 500n }
    const first = look(undefined, heard, { now: 1_030, startedAt })
    expect(first.heardAt).toBe(1_030)
    const silent = look(first, heard, { now: 1_060, startedAt })
    expect(silent.heardAt).toBe(1_030)
    expect(look(silent, { ...heard, receivedBytes: 532n }, { now: 1_090, startedAt }).heardAt).toBe(1_090)
  })

  it('is not lost when WireGuard counts from zero again', () => {
    const first = look(undefined, { handshakeAt: 1_001, receivedBytes: 500n }, { now: 1_030, startedAt })
    const anew = look(first, { handshakeAt: undefined, receivedBytes: 0n }, { now: 1_060, startedAt })
    expect(anew.heardAt).toBe(1_030)
    expect(
      look(anew, { handshakeAt: undefined, receivedBytes: 148n }, { now: 1_090, startedAt }).heardAt,
    ).toBe(1_090)
  })
})
