import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { measureLatencies } from './latency.js'

it('asks no further ones once those before them have taken too long, and says so', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  try {
    const endpoint = `127.0.0.1:${(silent.address() as AddressInfo).port}`
    const targets = Array.from({ length: 40 }, () => ({
      endpoint,
      certificate: `0x${'01'.repeat(32)}` as const,
    }))
    const found = await measureLatencies(targets)
    expect(found.slice(0, 16)).toEqual(Array.from({ length: 16 }, () => undefined))
    expect(found.at(-1)).toBeNull()
    expect(sockets.length).toBe(found.filter((each) => each !== null).length)
  } finally {
    for (const socket of sockets) socket.destroy()
    silent.close()
  }
})
