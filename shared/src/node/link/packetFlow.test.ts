import { expect, it } from 'vitest'
import { PacketFlow } from './packetFlow.js'

/** A flow whose way there and back takes 50 ms. */
function flowOf50Ms(): PacketFlow {
  const flow = new PacketFlow()
  flow.sent(0)
  flow.arrived(1, 50)
  return flow
}

it('drops now and then from a queue that stands, and nothing of one that goes by itself', () => {
  const flow = flowOf50Ms()
  flow.sent(100)
  const late = 100 + 2 * 50 + 31
  expect(flow.drops(late - 1)).toBe(false)
  expect(flow.drops(late)).toBe(false)
  expect(flow.drops(late + 99)).toBe(false)
  expect(flow.drops(late + 100)).toBe(true)
  expect(flow.drops(late + 110)).toBe(false)
  expect(flow.drops(late + 120)).toBe(true)
  expect(flow.arrived(2, late + 130)).toBe(true)
  expect(flow.drops(late + 150)).toBe(false)
  flow.sent(late + 150)
  expect(flow.drops(late + 150 + 2 * 50 + 31)).toBe(false)
})

it('adds nothing to a queue that is too long, however it came about', () => {
  const flow = flowOf50Ms()
  flow.sent(100)
  expect(flow.drops(100 + 2 * 50 + 201)).toBe(true)
  expect(flow.drops(100 + 2 * 50 + 202)).toBe(true)
})

it('allows more than a second before it knows the way, and a number of frames whatever the way', () => {
  const flow = new PacketFlow()
  flow.sent(0)
  expect(flow.drops(1_000)).toBe(false)
  expect(flow.drops(1_201)).toBe(true)
  const busy = new PacketFlow()
  for (let sent = 0; sent < 4_096; sent++) busy.sent(0)
  expect(busy.drops(0)).toBe(true)
})

it('follows a way that becomes longer', () => {
  const flow = flowOf50Ms()
  let count = 1
  for (let at = 1_000; at < 40_000; at += 1_000) {
    flow.sent(at)
    flow.arrived(++count, at + 400)
  }
  flow.sent(50_000)
  expect(flow.drops(50_800)).toBe(false)
})

it('believes no count of frames that were never sent', () => {
  const flow = new PacketFlow()
  flow.sent(0)
  expect(flow.arrived(2, 1)).toBe(false)
  expect(flow.arrived(1, 1)).toBe(true)
  expect(flow.arrived(0, 1)).toBe(false)
})
