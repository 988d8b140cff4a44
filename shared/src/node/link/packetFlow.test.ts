import { expect, it } from 'vitest'
import { PacketFlow } from './packetFlow.js'

/** A flow whose way there and back takes 50 ms. */
function flowOf50Ms(): PacketFlow {
  const flow = new PacketFlow()
  flow.sent(0)
  flow.arrived(1, 50)
  return flow
}

it('is full when the oldest frame is out for longer than a loss on the way explains', () => {
  const flow = flowOf50Ms()
  flow.sent(100)
  flow.sent(110)
  expect(flow.isFull(100 + 2 * 50 + 40)).toBe(false)
  expect(flow.isFull(100 + 2 * 50 + 41)).toBe(true)
  expect(flow.arrived(2, 250)).toBe(true)
  expect(flow.isFull(250)).toBe(false)
})

it('allows half a second before it knows the way, and a number of frames whatever the way', () => {
  const flow = new PacketFlow()
  flow.sent(0)
  expect(flow.isFull(1_000)).toBe(false)
  expect(flow.isFull(1_050)).toBe(true)
  const busy = new PacketFlow()
  for (let sent = 0; sent < 4_096; sent++) busy.sent(0)
  expect(busy.isFull(0)).toBe(true)
})

it('follows a way that becomes longer', () => {
  const flow = flowOf50Ms()
  let count = 1
  for (let at = 1_000; at < 40_000; at += 1_000) {
    flow.sent(at)
    flow.arrived(++count, at + 400)
  }
  flow.sent(50_000)
  expect(flow.isFull(50_800)).toBe(false)
})

it('believes no count of frames that were never sent', () => {
  const flow = new PacketFlow()
  flow.sent(0)
  expect(flow.arrived(2, 1)).toBe(false)
  expect(flow.arrived(1, 1)).toBe(true)
  expect(flow.arrived(0, 1)).toBe(false)
})

it('goes on beyond the 32 bits of the count', () => {
  const flow = new PacketFlow()
  for (let count = 1; count <= 3; count++) flow.sent(0)
  expect(flow.arrived(3, 1)).toBe(true)
  expect(flow.isFull(10_000)).toBe(false)
})
