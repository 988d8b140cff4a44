import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls, type TLSSocket } from 'node:tls'

// A censor's prober: it watches a line for TLS, connects to every endpoint that it sees there, and names those that do not
// answer as a web server would. Prints one JSON object a line.
//
//   node prober.js DEVICE

const device = process.argv[2] ?? ''
const withinMs = 5_000
const suspicious = /pontage|wireguard|vpn|websocket|challenge|0x[0-9a-f]{40}/i

const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`

interface Answer {
  readonly text: string
  readonly status: number
  readonly body: string
}

/** What comes back over TLS until the other side closes, or time is up. */
async function ask(host: string, port: number, sent: string | Buffer): Promise<Answer> {
  const socket = connectTls({ host, port, rejectUnauthorized: false })
  socket.on('error', () => {})
  socket.on('secureConnect', () => socket.write(sent))
  return answerOn(socket)
}

async function answerOn(socket: TLSSocket): Promise<Answer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const timer = setTimeout(() => socket.destroy(), withinMs)
  await once(socket, 'close')
  clearTimeout(timer)
  const text = Buffer.concat(chunks).toString('latin1')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
  return { text, status, body: text.split('\r\n\r\n').slice(1).join('\r\n\r\n') }
}

/** What is said to bytes that are no TLS. */
async function askPlainly(host: string, port: number, sent: string): Promise<string> {
  const socket = connectTcp({ host, port })
  const chunks: Buffer[] = []
  socket.on('error', () => {})
  socket.on('connect', () => socket.write(sent))
  socket.on('data', (chunk) => chunks.push(chunk))
  const timer = setTimeout(() => socket.destroy(), withinMs)
  await once(socket, 'close')
  clearTimeout(timer)
  return Buffer.concat(chunks).toString('latin1')
}

/** Why an endpoint is none of a web server; nothing where it looks like one. */
async function judge(host: string, port: number): Promise<string[]> {
  const unknown = `/${Math.random().toString(36).slice(2)}`
  const [page, missing, asked, askedMissing, noise, plain] = await Promise.all([
    ask(host, port, get('/')),
    ask(host, port, get(unknown)),
    ask(host, port, upgrade('/')),
    ask(host, port, upgrade(unknown)),
    ask(host, port, Buffer.from('\x00\x01\x02garbage\r\n\r\n')),
    askPlainly(host, port, get('/')),
  ])
  const all = [page, missing, asked, askedMissing, noise]
  return [
    ...(page.status === 200 && /<html/i.test(page.body) ? [] : [`GET / gave ${page.status}`]),
    ...(missing.status === 404 ? [] : [`an unknown path gave ${missing.status}`]),
    ...(asked.status === page.status && asked.body === page.body
      ? []
      : [`an upgrade on / gave ${asked.status}, and not the page`]),
    ...(askedMissing.status === 404 && askedMissing.body === missing.body
      ? []
      : [
          `an upgrade on an unknown path gave ${askedMissing.status}, and not the page that it has for those`,
        ]),
    ...(noise.status === 400 || noise.text === '' ? [] : [`garbage gave ${noise.status}`]),
    // A record of TLS that says what is wrong, an answer of HTTP, or nothing.
    ...(plain === '' || plain.startsWith('\x15\x03') || /^HTTP\/1\.1 400/.test(plain)
      ? []
      : [`plain HTTP gave ${JSON.stringify(plain.slice(0, 40))}`]),
    ...all.flatMap(({ text }) => suspicious.exec(text)?.[0] ?? []).map((word) => `it says "${word}"`),
  ]
}

const seen = new Set<string>()
// The first record of TLS: a handshake, version 3.
const filter = '(tcp[((tcp[12:1] & 0xf0) >> 2):2] = 0x1603)'
const watching = spawn('tcpdump', ['-i', device, '-Q', 'in', '-n', '-l', '-q', '--immediate-mode', filter], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
process.on('SIGTERM', () => {
  watching.kill()
  process.exit(0)
})
for await (const line of createInterface({ input: watching.stdout })) {
  const [, host, port] = / > (\d+\.\d+\.\d+\.\d+)\.(\d+):/.exec(line) ?? []
  if (host === undefined || seen.has(`${host}:${port}`)) continue
  seen.add(`${host}:${port}`)
  void judge(host, Number(port)).then((problems) =>
    process.stdout.write(`${JSON.stringify({ event: 'probed', host, port: Number(port), problems })}\n`),
  )
}
