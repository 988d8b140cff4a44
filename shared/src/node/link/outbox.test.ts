import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { Outbox } from './outbox.js'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0).reverse()) close()
})

/** Two ends of a connection: what the second has heard, and the lengths in which the first has sent it. */
async function pair() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  open.push(() => server.close())
  await once(server, 'listening')
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  open.push(() => socket.terminate())
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(socket, 'open')])) as [
    [WebSocket],
    unknown,
  ]
  const texts: string[] = []
  accepted.on('message', (data: Buffer) => texts.push(data.toString()))
  const send = vi.spyOn(socket, 'send')
  const lengths = () => send.mock.calls.map(([data]) => (data as string | Buffer).length)
  return { socket, accepted, texts, lengths, outbox: new Outbox(socket) }
}

it('sends a text that is longer than a packet in several, and in order what comes after it', async () => {
  const { outbox, texts, lengths } = await pair()
  const all = ['first', 'é'.repeat(1_700), 'third', 'x'.repeat(2_500), 'last']
  for (const text of all) outbox.send(text)
  // The second piece waits until the kernel has taken the first.
  expect(lengths()).toEqual([5, 1_000])
  expect(outbox.backlogBytes).toBeGreaterThan(4_000)
  await expect.poll(() => texts).toEqual(all)
  expect(lengths()).toEqual([5, 1_000, 1_000, 1_000, 400, 5, 1_000, 1_000, 500, 4])
  expect(outbox.backlogBytes).toBe(0)
})

it('sends the rest at once before the connection is closed', async () => {
  const { socket, accepted, outbox, texts, lengths } = await pair()
  const all = ['y'.repeat(5_000), 'z'.repeat(3_000), 'last']
  for (const text of all) outbox.send(text)
  outbox.flush()
  socket.close(1000)
  await once(accepted, 'close')
  expect(texts).toEqual(all)
  expect(lengths()).toEqual([1_000, 4_000, 1_000, 2_000, 4])
})

it('sends what is longer than anything that is said before there is a tunnel as it is', async () => {
  const { outbox, texts, lengths } = await pair()
  outbox.send('w'.repeat(20_000))
  await expect.poll(() => texts.length).toBe(1)
  expect(lengths()).toEqual([20_000])
})
