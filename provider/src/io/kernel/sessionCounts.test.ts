import type { NftCounter } from '@pontage/shared/node'
import { beforeEach, expect, it } from 'vitest'
import { noReading } from '../../core/meter.js'
import { movedForMs } from '../../core/ruleset.js'
import { countSessions } from './sessionCounts.js'

/** Stands for the kernel: what it has counted, and the last bytes of whose addresses it remembers. */
const counted = new Map<string, NftCounter>()
let moved: number[] = []
/** What was asked for. */
let asked: string[] = []
let atMs = 0
let foreign = 0
const socket = {
  foreignChanges: () => foreign,
  addresses: (set: string) =>
    set === 'moved4' ? moved.map((last) => Buffer.from([10, 86, 0, last]).toString('latin1')) : [],
  counters(names: readonly string[]) {
    asked.push(...names)
    return names.map((name) => counted.get(name) ?? { bytes: 0n, packets: 0n })
  },
  allCounters() {
    asked.push('all')
    return new Map(counted)
  },
}
const sessionCount = 20
const countOf = (key: number, bytes: bigint) => {
  for (const name of ['down', 'up', 'dropped'])
    counted.set(`${name}_${key}`, { bytes, packets: bytes / 100n })
}

let counts: ReturnType<typeof countSessions>
beforeEach(() => {
  counted.clear()
  atMs = 0
  moved = []
  counts = countSessions(socket, () => atMs)
  for (let key = 1; key <= sessionCount; key++) {
    counts.admit(key, { address4: `10.86.0.${key + 1}`, address6: `fd50::${key + 1}` })
    countOf(key, 0n)
  }
  counts.read()
  asked = []
})

it('reads the counters of those that moved, and gives the others as they were', () => {
  const before = counts.read().get(2)
  countOf(1, 500n)
  moved = [2]
  const readings = counts.read()
  expect(readings.get(1)).toEqual({
    ...{ downBytes: 500n, upBytes: 500n, downPackets: 5n, upPackets: 5n },
    dropped: 500n,
  })
  expect(readings.get(2)).toBe(before)
  expect(before).toEqual(noReading)
  expect(asked).toEqual(['down_1', 'up_1', 'dropped_1'])
})

it('reads all at once where many moved, or where it was asked for too long ago to know who did', () => {
  moved = Array.from({ length: sessionCount / 4 }, (_, index) => index + 2)
  counts.read()
  expect(asked).not.toContain('all')
  moved = [...moved, 20]
  counts.read()
  expect(asked.splice(0)).toContain('all')
  moved = []
  for (let reading = 0; reading < 3; reading++) counts.read()
  asked = []
  atMs += movedForMs / 2 - 1
  counts.read()
  expect(asked).toEqual([])
  countOf(3, 700n)
  atMs += movedForMs / 2
  expect(counts.read().get(3)?.downBytes).toBe(700n)
  expect(asked.splice(0)).toEqual(['all'])
  // Somebody else may have had the kernel forget.
  foreign += 1
  counts.read()
  expect(asked.splice(0)).toEqual(['all'])
  counts.read()
  expect(asked).toEqual([])
})

it('reads the counters of whoever is no longer noted twice more: its last packet was let pass on what was noted before', () => {
  moved = [2]
  counts.read()
  moved = []
  for (const bytes of [500n, 600n]) {
    countOf(1, bytes)
    expect(counts.read().get(1)?.downBytes).toBe(bytes)
  }
  asked = []
  counts.read()
  expect(asked).toEqual([])
})

it('does not ask for who is gone, and takes none of its count for whoever has its addresses next', () => {
  countOf(1, 500n)
  moved = [2]
  counts.read()
  counts.dismiss(1, { address4: '10.86.0.2', address6: 'fd50::2' })
  asked = []
  expect(counts.read().get(1)).toBeUndefined()
  expect(asked).toEqual([])
  counts.admit(99, { address4: '10.86.0.2', address6: 'fd50::2' })
  counts.read()
  expect(asked).toEqual(['down_99', 'up_99', 'dropped_99'])
})

it('reads the counters of those that are asked for by name, whether a list told of them or not', () => {
  countOf(4, 500n)
  expect(counts.read([4]).get(4)?.upBytes).toBe(500n)
  expect(asked).toEqual(['down_4', 'up_4', 'dropped_4'])
})
