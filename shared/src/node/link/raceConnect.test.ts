import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenOn } from './listen.js'
import { raceConnect } from './raceConnect.js'

let server: Server
let port: number
beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => undefined).end())
  await listenOn(server, '127.0.0.1', 0)
  port = (server.address() as { port: number }).port
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

/** 2001:db8::/32 and 192.0.2.0/24 are for documents: nobody answers there. */
const dead6 = { address: '2001:db8::1', family: 6 }
const dead4 = { address: '192.0.2.1', family: 4 }
const alive = { address: '127.0.0.1', family: 4 }
const refusing = { address: '::1', family: 6 }
const race = (...addresses: { address: string; family: number }[]) =>
  raceConnect({ host: 'name.example', port, timeoutMs: 5_000, lookup: async () => addresses })

describe('a name of several addresses', () => {
  it.each([
    ['the first is dead', [dead6, alive]],
    ['the last is dead', [alive, dead6]],
    ['one refuses', [refusing, alive]],
    ['all others are dead', [dead4, dead6, alive, dead6]],
  ])('is reached where %s', async (_case, addresses) => {
    const socket = await race(...addresses)
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })

  it('is not reached where nobody answers, and each reason is told', async () => {
    await expect(
      raceConnect({ host: 'name.example', port: 9, timeoutMs: 400, lookup: async () => [alive, refusing] }),
    ).rejects.toThrow(/127\.0\.0\.1:9.*::1:9/)
  })
})

it('takes an address as it is', async () => {
  const socket = await raceConnect({ host: '127.0.0.1', port, timeoutMs: 5_000 })
  expect(socket.remotePort).toBe(port)
  socket.destroy()
})

it('listens on both families by ::, and on one where that is all there is', async () => {
  const both = createServer((socket) => socket.on('error', () => undefined).end())
  await listenOn(both, '::', 0)
  const { port: open } = both.address() as { port: number }
  const socket = await raceConnect({ host: '127.0.0.1', port: open, timeoutMs: 5_000 })
  socket.destroy()
  await new Promise((resolve) => both.close(resolve))
})
