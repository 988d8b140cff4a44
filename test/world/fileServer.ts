import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileContent } from './fileContent.js'

// A web server on the internet: `/file/SIZE` is a file of SIZE bytes, `/address` says who asks, PUT takes anything.
// Usage: node fileServer.js [PORT]. It prints one JSON line for its port and one for each request.

const largest = 10_000_000_000
const report = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

const unanswered = new WeakSet<Socket>()

const server = createServer((request, response) => {
  unanswered.add(request.socket)
  response.on('finish', () => unanswered.delete(request.socket))
  const from = request.socket.remoteAddress?.replace(/^::ffff:/, '')
  const port = request.socket.remotePort
  const path = request.url ?? ''
  report({ event: 'request', method: request.method, path, from, port })
  const size = Number(/^\/file\/(\d{1,11})$/.exec(path)?.[1] ?? Number.NaN)
  if (request.method === 'PUT') {
    let received = 0
    request.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    request.on('end', () => response.end(`${received}\n`))
  } else if (path === '/address') {
    response.end(`${from}\n`)
  } else if (size <= largest) {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
    pipeline(Readable.from(fileContent(size)), response).then(
      () => report({ event: 'sent', path, from, port }),
      (error: NodeJS.ErrnoException) => report({ event: 'broken', path, from, port, code: error.code }),
    )
  } else {
    response.writeHead(404).end('There is /file/SIZE and /address.\n')
  }
})
server.on('connection', (socket: Socket) => {
  const { remoteAddress, remotePort } = socket
  // Closed without an error after all was answered: the other side took every byte before it left.
  socket.on('close', (failed) => {
    const from = remoteAddress?.replace(/^::ffff:/, '')
    const whole = !failed && socket.bytesWritten > 0 && !unanswered.has(socket)
    report({ event: 'closed', from, port: remotePort, written: socket.bytesWritten, whole })
  })
})
server.listen(Number(process.argv[2] ?? 80), '::', () => {
  report({ event: 'listening', port: (server.address() as AddressInfo).port })
})
