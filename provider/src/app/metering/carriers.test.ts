import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Address } from '@pontage/shared'
import { createLog, type Link } from '@pontage/shared/node'
import { expect, it } from 'vitest'
import { Carriers } from './carriers.js'
import type { LiveSession } from './liveSession.js'

const consumer = `0x${'cc'.repeat(20)}` as Address
const liveAt = (address4: string) => ({ session: { consumer }, addresses: { address4 } }) as LiveSession
/** A frame of one packet. */
const onePacket = Buffer.from([5, 0, 32, ...Buffer.alloc(32)])
const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length

it('opens one socket for a connection, however often that asks at once, and none for a session that ended', async () => {
  let live: LiveSession | undefined = liveAt('10.86.0.2')
  const carriers = new Carriers({ log: createLog('test', 'error') }, 51_820, () => live)
  let hangUp = () => {}
  const closed = new Promise<string>((resolve) => {
    hangUp = () => resolve('gone')
  })
  const link = { peer: consumer, closed, close: () => hangUp() } as unknown as Link
  const before = sockets()
  const answers = await Promise.all(Array.from({ length: 50 }, () => carriers.carry('s', link)))
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
  expect(sockets() - before).toBe(1)
  hangUp()
  await expect.poll(() => sockets() - before).toBe(0)
  const late = carriers.carry('s', { ...link })
  live = undefined
  expect((await late).ok).toBe(false)
  await expect.poll(() => sockets() - before).toBe(0)
})

it('brings each session’s packets to WireGuard from an address of its own, whose limit for greetings is its own, too', async () => {
  const wireguard = createSocket('udp4')
  wireguard.bind(0, '127.0.0.1')
  await once(wireguard, 'listening')
  const lives = new Map(['10.86.0.2', '10.86.3.4'].map((address) => [address, liveAt(address)]))
  const { port } = wireguard.address()
  const carriers = new Carriers({ log: createLog('test', 'error') }, port, (session) => lives.get(session))
  const from = []
  const hangUps: (() => void)[] = []
  for (const session of lives.keys()) {
    const closed = new Promise<string>((resolve) => hangUps.push(() => resolve('gone')))
    const link = { peer: consumer, closed, sendFrame: () => {}, close: () => {} } as unknown as Link
    await carriers.carry(session, link)
    const heard = once(wireguard, 'message')
    carriers.take(onePacket, link)
    from.push((await heard)[1].address)
  }
  expect(from).toEqual(['127.86.0.2', '127.86.3.4'])
  for (const hangUp of hangUps) hangUp()
  wireguard.close()
})
