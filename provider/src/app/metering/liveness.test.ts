import { unixSeconds } from '@pontage/shared'
import { createLog } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Machine } from '../../io/kernel/machine.js'
import { watchLiveness } from './liveness.js'
import type { LiveSession } from './liveSession.js'
import type { Sessions } from './sessions.js'

const log = createLog('test', 'error')

beforeEach(() => vi.useFakeTimers({ now: 0 }))
afterEach(() => vi.useRealTimers())

/** Watches one session of which nothing is heard after its beginning. */
function watched() {
  const ended: string[] = []
  const time = { setBySeconds: 0 }
  const clock = {
    now: () => unixSeconds(1_000_000 + Math.floor(Date.now() / 1_000) + time.setBySeconds),
    elapsedMs: () => Date.now(),
  }
  const session = {
    ...{ wireguardKey: 'key', session: { lent: false } },
    record: { id: 'one', startedAt: clock.now() },
  } as unknown as LiveSession
  const sessions = {
    all: () => [session],
    end: async (id: string) => {
      ended.push(id)
    },
  }
  const heard = async () => new Map([['key', 148n]]) as Awaited<ReturnType<Machine['heard']>>
  watchLiveness({ clock, log }, sessions as unknown as Sessions, { heard }, 120)
  return { ended, time }
}

it('ends the session of a consumer that was not heard of for so long, and no sooner', async () => {
  const { ended } = watched()
  await vi.advanceTimersByTimeAsync(130_000)
  expect(ended).toEqual([])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(ended).toEqual(['one'])
})

it('ends none because the clock was set, and none later', async () => {
  const { ended, time } = watched()
  await vi.advanceTimersByTimeAsync(15_000)
  time.setBySeconds = 3_600
  await vi.advanceTimersByTimeAsync(15_000)
  expect(ended).toEqual([])
  time.setBySeconds = -3_600
  await vi.advanceTimersByTimeAsync(110_000)
  expect(ended).toEqual(['one'])
})
