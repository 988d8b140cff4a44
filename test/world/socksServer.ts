import { connect, createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'

// A SOCKS5 proxy (RFC 1928, RFC 1929) that finds names by a list of its own. Prints one JSON line for its port, and one for each
// request.
//
//   node socksServer.js [--port 1080] [--login USER:PASSWORD] [--name NAME=ADDRESS]… [--refuse HOST]…

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '1080' },
    login: { type: 'string' },
    name: { type: 'string', multiple: true, default: [] },
    refuse: { type: 'string', multiple: true, default: [] },
  },
})
const names = new Map(values.name.map((each) => each.split('=') as [string, string]))
const report = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const answer = (code: number) => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0])

/** Reads so many bytes at a time, as they are asked for; what nobody asked for stays in the socket. */
function reader(socket: Socket): (length: number) => Promise<Buffer> {
  let wake = () => {}
  for (const event of ['readable', 'end', 'close']) socket.on(event, () => wake())
  return async (length) => {
    for (;;) {
      const chunk = length === 0 ? Buffer.alloc(0) : (socket.read(length) as Buffer | null)
      if (chunk?.length === length) return chunk
      if (socket.readableEnded || socket.destroyed) throw new Error('It hung up.')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}

async function serve(socket: Socket): Promise<void> {
  const take = reader(socket)
  const [, count = 0] = await take(2)
  const offered = await take(count)
  const method = values.login === undefined ? 0 : 2
  if (!offered.includes(method)) return void socket.end(Buffer.from([5, 0xff]))
  socket.write(Buffer.from([5, method]))
  if (values.login !== undefined) {
    const text = async () => (await take((await take(1))[0] ?? 0)).toString()
    await take(1)
    const isKnown = `${await text()}:${await text()}` === values.login
    socket.write(Buffer.from([1, isKnown ? 0 : 1]))
    if (!isKnown) return void socket.end()
  }
  const [, , , kind] = await take(4)
  const host =
    kind === 1
      ? [...(await take(4))].join('.')
      : kind === 3
        ? (await take((await take(1))[0] ?? 0)).toString()
        : ((await take(16)).toString('hex').match(/.{4}/g) ?? []).join(':')
  const port = (await take(2)).readUInt16BE()
  report({ event: 'asked', host, port })
  if (values.refuse.includes(host)) return void socket.end(answer(2))
  const address = kind === 3 ? names.get(host) : host
  if (address === undefined) return void socket.end(answer(4))
  const other = connect({ host: address, port })
  other.on('error', () =>
    other.connecting || other.bytesRead === 0 ? socket.end(answer(5)) : socket.destroy(),
  )
  other.on('connect', () => {
    socket.removeAllListeners('readable')
    socket.write(answer(0))
    other.pipe(socket)
    socket.pipe(other)
  })
  other.on('close', () => socket.destroy())
  socket.on('close', () => other.destroy())
}

createServer((socket) => {
  socket.on('error', () => {})
  serve(socket).catch(() => socket.destroy())
}).listen(Number(values.port), '::', () => report({ event: 'listening', port: Number(values.port) }))
