import { expect, it } from 'vitest'
import { PacketFlow } from './packetFlow.js'

/** A flow whose way there and back takes 50 ms. */
function flowOf50Ms(): PacketFlow {
  const flow = new PacketFlow()
  flow.sent(0)
  flow.arrived(1, 50)
  return flow
}

it('drops single packets from a queue that stands, more and more often, and none of one that goes by itself', () => {
  const flow = flowOf50Ms()
  flow.sent(100)
  const late = 100 + 2 * 50 + 31
  const dropped: number[] = []
  for (let at = late - 10; at < late + 369; at++) if (flow.drops(at) !== 'nothing') dropped.push(at - late)
  expect(dropped).toEqual([300])
  flow.sent(late + 369)
  expect(flow.arrived(2, late + 369)).toBe(true)
  // The frame behind it is out since just now.
  expect(flow.drops(late + 370)).toBe('nothing')
  const standing = flowOf50Ms()
  let count = 1
  const seen: number[] = []
  for (let at = 1_000; at < 1_900; at++) {
    standing.sent(at)
    if (at >= 1_180) standing.arrived(++count, at)
    if (standing.drops(at) === 'one packet') seen.push(at)
  }
  const pauses = seen.slice(1).map((at, index) => at - (seen[index] ?? 0))
  expect(pauses.length).toBeGreaterThan(3)
  expect(pauses).toEqual([...pauses].sort((a, b) => b - a))
})

it('drops nothing where a machine is busy: most frames are late there, and every quarter of a second one is not', () => {
  const flow = new PacketFlow()
  flow.sent(0)
  flow.arrived(1, 0.5)
  const dropped: number[] = []
  for (let count = 1, at = 10; at < 5_000; count++) {
    const tookMs = count % 4 === 0 ? 20 : 80
    flow.sent(at)
    if (flow.drops(at + tookMs - 1) !== 'nothing') dropped.push(at)
    expect(flow.arrived(count + 1, at + tookMs)).toBe(true)
    at += tookMs
  }
  expect(dropped).toEqual([])
})

it('adds nothing to a queue that is too long, however it came about', () => {
  const flow = flowOf50Ms()
  flow.sent(100)
  expect(flow.drops(100 + 2 * 50 + 501)).toBe('all')
  expect(flow.drops(100 + 2 * 50 + 502)).toBe('all')
})

it('allows more than a second before it knows the way, and a number of frames whatever the way', () => {
  const flow = new PacketFlow()
  flow.sent(0)
  expect(flow.drops(1_000)).toBe('nothing')
  expect(flow.drops(1_501)).toBe('all')
  const busy = new PacketFlow()
  for (let sent = 0; sent < 4_096; sent++) busy.sent(0)
  expect(busy.drops(0)).toBe('all')
})

it('follows a way that becomes longer', () => {
  const flow = flowOf50Ms()
  let count = 1
  for (let at = 1_000; at < 40_000; at += 1_000) {
    flow.sent(at)
    flow.arrived(++count, at + 400)
  }
  flow.sent(50_000)
  expect(flow.drops(50_800)).toBe('nothing')
})

it('believes no count of frames that were never sent', () => {
  const flow = new PacketFlow()
  flow.sent(0)
  expect(flow.arrived(2, 1)).toBe(false)
  expect(flow.arrived(1, 1)).toBe(true)
  expect(flow.arrived(0, 1)).toBe(false)
})
