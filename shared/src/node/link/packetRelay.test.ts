import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import type { Link } from './link.js'
import { encodePackets, saying } from './packetFrame.fixture.js'
import { decodePackets, encodeArrived, maxPacketFrameBytes } from './packetFrame.js'
import { openRelay, type PacketRelay } from './packetRelay.js'
import { frameKind } from './promiseFrame.js'

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

/** A relay between a socket in WireGuard's place and a link of which only the frames are seen. */
async function relayed(backlogBytes = 0) {
  const wireguard: Socket = createSocket('udp4')
  wireguard.bind(0, '127.0.0.1')
  await once(wireguard, 'listening')
  const relay: PacketRelay = await openRelay()
  await relay.face(wireguard.address().port)
  open.push(wireguard, relay)
  const frames: Buffer[] = []
  /** What each frame's sender is to be told, once it is sent. */
  const sent: (() => void)[] = []
  const sendFrame = (frame: Buffer, done: () => void) => {
    frames.push(frame)
    sent.push(done)
  }
  const link = { backlogBytes, sendFrame } as unknown as Link
  relay.use(link)
  return { wireguard, relay, link, frames, sent }
}

const packetFrames = (frames: readonly Buffer[]) => frames.filter((frame) => frame[0] === frameKind.packets)
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

it('carries packets both ways, and sends none before the other end takes them', async () => {
  const { wireguard, relay, link, frames } = await relayed()
  wireguard.send(saying('early'), relay.port, '127.0.0.1')
  const heard: string[] = []
  wireguard.on('message', (packet) => heard.push(`${packet}`.trim()))
  expect(relay.take(encodePackets([saying('one'), saying('two')]), link)).toBeUndefined()
  await until(() => heard.length === 2)
  expect(heard).toEqual(['one', 'two'])
  expect(packetFrames(frames)).toEqual([])
  relay.begin()
  wireguard.send(saying('three'), relay.port, '127.0.0.1')
  await until(() => packetFrames(frames).length === 1)
  expect(decodePackets(packetFrames(frames)[0] as Buffer)?.map((each) => `${each}`.trim())).toEqual(['three'])
})

it('joins what comes together into frames of a bounded size', async () => {
  const { wireguard, relay, frames } = await relayed()
  relay.begin()
  const packet = Buffer.alloc(1_400, 7)
  for (let sent = 0; sent < 100; sent++) wireguard.send(packet, relay.port, '127.0.0.1')
  const carried = () => packetFrames(frames).flatMap((frame) => decodePackets(frame) ?? []).length
  await until(() => carried() === 100)
  expect(packetFrames(frames).length).toBeLessThan(100)
  for (const frame of packetFrames(frames)) expect(frame.length).toBeLessThanOrEqual(maxPacketFrameBytes)
})

it('writes into the memory of a frame again once it was sent, and not before', async () => {
  const { wireguard, relay, frames, sent } = await relayed()
  relay.begin()
  const carry = async (text: string) => {
    const before = frames.length
    wireguard.send(saying(text), relay.port, '127.0.0.1')
    await until(() => frames.length > before)
    return frames[before] as Buffer
  }
  const one = await carry('one')
  const two = await carry('two')
  expect([one, two]).toEqual([encodePackets([saying('one')]), encodePackets([saying('two')])])
  sent[0]?.()
  const three = await carry('three')
  expect(three).toEqual(encodePackets([saying('three')]))
  expect(three.buffer).toBe(one.buffer)
  expect(two).toEqual(encodePackets([saying('two')]))
})

it('keeps no more memory for small frames that nobody takes than a few large ones fill', async () => {
  const { wireguard, relay, frames, sent } = await relayed()
  relay.begin()
  const carry = async () => {
    const before = frames.length
    wireguard.send(saying('small'), relay.port, '127.0.0.1')
    await until(() => frames.length > before)
  }
  for (let each = 0; each < 100; each++) await carry()
  const held = [...new Set(frames.map((frame) => frame.buffer))].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  )
  expect(held).toBeLessThan(600_000)
  for (const frame of frames) expect(frame).toEqual(encodePackets([saying('small')]))
  // Once those are taken, memory is filled again.
  for (const done of sent) done?.()
  await carry()
  expect(frames.slice(0, -1).some(({ buffer }) => buffer === frames.at(-1)?.buffer)).toBe(true)
})

it('says in the same turn what has arrived, and what comes right after it a few milliseconds later', async () => {
  const { relay, link, frames } = await relayed()
  relay.begin()
  const frame = encodePackets([saying('one')])
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  relay.take(frame, link)
  relay.take(frame, link)
  await turn()
  expect(frames).toEqual([encodeArrived(2)])
  relay.take(frame, link)
  await turn()
  expect(frames).toEqual([encodeArrived(2)])
  await until(() => frames.length === 2)
  expect(frames).toEqual([encodeArrived(2), encodeArrived(3)])
  relay.take(frame, link)
  relay.close()
  open.splice(0, 2)[0]?.close()
  await turn()
  expect(frames.length).toBe(2)
})

it('drops what a link does not take, instead of keeping it', async () => {
  const { wireguard, relay, frames } = await relayed(600_000)
  relay.begin()
  wireguard.send(saying('lost'), relay.port, '127.0.0.1')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(packetFrames(frames)).toEqual([])
})

it('takes packets from nobody but whom it faces', async () => {
  const { relay, frames } = await relayed()
  relay.begin()
  const stranger = createSocket('udp4')
  open.push(stranger)
  stranger.send(saying('mine'), relay.port, '127.0.0.1')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(packetFrames(frames)).toEqual([])
})

it('passes on no frame of thousands of packets that are shorter than any of WireGuard’s', async () => {
  const { wireguard, relay, link } = await relayed()
  let heard = 0
  wireguard.on('message', () => heard++)
  const tiny = Buffer.concat(Array.from({ length: 19_000 }, () => Buffer.from([0, 1, 7])))
  const frame = Buffer.concat([Buffer.from([frameKind.packets]), tiny])
  expect(relay.take(frame, link)).toMatchObject({ code: 'malformed-frame' })
  relay.take(encodePackets([saying('whole')]), link)
  await until(() => heard > 0)
  expect(heard).toBe(1)
})

it('refuses every frame that is not whole, and believes no count of what it never sent', async () => {
  const { relay, link } = await relayed()
  relay.begin()
  expect(relay.take(encodeArrived(1), link)).toMatchObject({ code: 'malformed-frame' })
  expect(relay.take(encodeArrived(0), link)).toBeUndefined()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(5, 6), (rest, kind) => {
      const frame = Buffer.from([kind, ...rest])
      const refusal = relay.take(frame, link)
      if (kind === frameKind.packets) expect(refusal === undefined).toBe(decodePackets(frame) !== undefined)
    }),
    { numRuns: 2_000 },
  )
})
