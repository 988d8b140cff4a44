import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, it } from 'vitest'
import { askRpc } from './rpcRequest.js'

it('asks again, on a new socket, what was asked on a kept one that had died', async () => {
  const answeredOn = new Set<Socket>()
  const server = createServer((request, response) => {
    const { socket } = request
    if (answeredOn.has(socket)) return void socket.resetAndDestroy()
    answeredOn.add(socket)
    response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}')
  }).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = () => askRpc(url, { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
  try {
    for (let turn = 0; turn < 3; turn++) expect((await ask())[0]?.result).toBe('0x1')
    expect(answeredOn.size).toBe(3)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
