import type { Clock } from '@pontage/shared'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Rounds } from './rounds.js'

beforeEach(() => vi.useFakeTimers({ now: 0 }))
afterEach(() => vi.useRealTimers())

/** Rounds in which a reading takes `readingMs`, and what they did, each with its instant. */
function started(readingMs = 0) {
  const did: string[] = []
  const clock = { elapsedMs: () => Date.now() } as Clock
  const rounds = new Rounds(
    clock,
    {
      meter: async (elapsedMs) => {
        did.push(`${Date.now()}: read after ${elapsedMs}`)
        if (readingMs > 0) await new Promise((resolve) => setTimeout(resolve, readingMs))
      },
      raise: async () => {
        did.push(`${Date.now()}: raise`)
      },
    },
    {
      failed: (error) => {
        throw error
      },
      took: () => undefined,
    },
  )
  return { rounds, did }
}

describe('rounds', () => {
  it('read the kernel four times a second', async () => {
    const { did } = started()
    await vi.advanceTimersByTimeAsync(600)
    expect(did).toEqual(['250: read after 250', '500: read after 250'])
  })

  it('raise after a payment without reading, those of 10 ms together', async () => {
    const { rounds, did } = started()
    await vi.advanceTimersByTimeAsync(100)
    rounds.raise()
    await vi.advanceTimersByTimeAsync(1)
    rounds.raise()
    rounds.raise()
    await vi.advanceTimersByTimeAsync(199)
    expect(did).toEqual(['100: raise', '110: raise', '250: read after 250'])
  })

  it('read soon where a session is held back', async () => {
    const { rounds, did } = started()
    await vi.advanceTimersByTimeAsync(100)
    rounds.soon()
    await vi.advanceTimersByTimeAsync(200)
    expect(did).toEqual(['100: read after 100'])
    await vi.advanceTimersByTimeAsync(50)
    expect(did).toEqual(['100: read after 100', '350: read after 250'])
  })

  it('where readings take long, come less often, and only raise in between', async () => {
    const { rounds, did } = started(100)
    await vi.advanceTimersByTimeAsync(400)
    rounds.soon()
    await vi.advanceTimersByTimeAsync(300)
    expect(did).toEqual(['250: read after 250', '400: raise', '650: read after 400'])
  })

  it('stop', async () => {
    const { rounds, did } = started()
    await rounds.stop()
    rounds.raise()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(did).toEqual([])
  })
})
