import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, it } from 'vitest'
import { createLiveFeed } from './liveFeed.js'

it('hangs up on whoever does not read, and goes on for the others', async () => {
  const feed = createLiveFeed(async () => ({ filler: 'x'.repeat(4_000_000) }))
  let hungUp: () => void = () => undefined
  const isHungUp = new Promise<void>((resolve) => {
    hungUp = resolve
  })
  const server = createServer((request, response) => {
    feed.follow({ right: 'read' }, response, {})
    if (request.url === '/deaf') response.on('close', () => hungUp())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ask = (path: string) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`))
    return socket
  }
  const deaf = ask('/deaf')
  const reader = ask('/reader')
  let heard = 0
  reader.on('data', (chunk) => {
    heard += chunk.length
  })
  await isHungUp
  const before = heard
  while (heard < before + 8_000_000) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(reader.destroyed).toBe(false)
  feed.close()
  deaf.destroy()
  reader.destroy()
  await new Promise((resolve) => server.close(resolve))
})
