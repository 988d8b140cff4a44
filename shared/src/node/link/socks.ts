import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { addressBytes } from './addressBytes.js'
import type { OuterProxy } from './proxy.js'

/** SOCKS5 (RFC 1928), and its login (RFC 1929). */
const version = 5
const loginVersion = 1
const methods = { none: 0, login: 2, noneFits: 0xff } as const
const commandConnect = 1
const kinds = { ipv4: 1, name: 3, ipv6: 4 } as const

/** What the answer to a request to connect says, as the end of a sentence. */
const replies: Readonly<Record<number, string>> = {
  1: 'it failed',
  2: 'its rules do not allow it',
  3: 'that network cannot be reached from there',
  4: 'that host cannot be reached from there',
  5: 'the connection was refused there',
  6: 'it took too long on the way',
  7: 'it does not connect for others',
  8: 'it does not take such an address',
}

/**
 * Connects to a host through a proxy, which also finds the address of a name.
 *
 * @throws Error with a sentence when the proxy does not answer, refuses, or is none.
 */
export const connectThrough = (
  proxy: OuterProxy,
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
): Promise<Socket> =>
  introduced(proxy, timeoutMs, `connect to ${host}:${port}`, (socket, answers) =>
    request(proxy, socket, answers, host, port),
  )

/** Finds out whether a proxy is there and takes us. @throws Error with a sentence when not */
export const tryProxy = async (proxy: OuterProxy, timeoutMs: number): Promise<void> =>
  void (await introduced(proxy, timeoutMs, 'answer', async () => {})).destroy()

async function introduced(
  proxy: OuterProxy,
  timeoutMs: number,
  what: string,
  then: (socket: Socket, answers: Answers) => Promise<void>,
): Promise<Socket> {
  const socket = connect({ host: proxy.address, port: proxy.port, noDelay: true })
  // Until its new owner listens, and for what comes after a failure.
  socket.on('error', () => {})
  const late = new Error(`the proxy at ${proxy.name} does not ${what} within ${timeoutMs} ms`)
  const limit = setTimeout(() => socket.destroy(late), timeoutMs)
  try {
    await once(socket, 'connect').catch((error: Error) => {
      if (error === late) throw late
      throw new Error(`the proxy at ${proxy.name} cannot be reached (${error.message}); check --proxy`)
    })
    const answers = new Answers(socket, proxy.name)
    await introduce(proxy, socket, answers)
    await then(socket, answers)
    answers.release()
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(limit)
  }
}

/** Says who we are, if it wants to know. */
async function introduce({ login, name }: OuterProxy, socket: Socket, answers: Answers): Promise<void> {
  const offered = login ? [methods.none, methods.login] : [methods.none]
  socket.write(Buffer.from([version, offered.length, ...offered]))
  const [spoken, method] = await answers.take(2)
  if (spoken !== version) throw notSocks(name)
  if (method === methods.none) return
  if (method === methods.noneFits)
    throw new Error(
      login
        ? `the proxy at ${name} takes no user and password; leave them out of --proxy`
        : `the proxy at ${name} wants a user and a password: --proxy socks5://USER:PASSWORD@ADDRESS:PORT`,
    )
  if (method !== methods.login || login === undefined) throw notSocks(name)
  socket.write(Buffer.concat([Buffer.from([loginVersion]), counted(login.user), counted(login.password)]))
  const [, status] = await answers.take(2)
  if (status !== 0) throw new Error(`the proxy at ${name} refuses the user or the password in --proxy`)
}

async function request(
  { name }: OuterProxy,
  socket: Socket,
  answers: Answers,
  host: string,
  port: number,
): Promise<void> {
  const place = Buffer.alloc(2)
  place.writeUInt16BE(port)
  socket.write(Buffer.concat([Buffer.from([version, commandConnect, 0]), written(host), place]))
  const [spoken, reply = 0, , kind] = await answers.take(4)
  if (spoken !== version) throw notSocks(name)
  if (reply !== 0)
    throw new Error(
      `the proxy at ${name} does not connect to ${host}:${port}: ${replies[reply] ?? `it says ${reply}`}`,
    )
  // Where it connects from is its own affair, and stands before what the host says.
  const length = kind === kinds.ipv4 ? 4 : kind === kinds.ipv6 ? 16 : undefined
  if (length === undefined && kind !== kinds.name) throw notSocks(name)
  const named = length === undefined ? ((await answers.take(1))[0] ?? 0) : 0
  await answers.take((length ?? named) + 2)
}

const counted = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

/** A host as it stands in a request. @throws Error for a name whose length has no place there */
function written(host: string): Buffer {
  const family = isIP(host)
  if (family === 0 && Buffer.byteLength(host) > 255)
    throw new Error(`the host's name "${host.slice(0, 40)}…" is longer than 255 bytes, as no name is`)
  if (family === 0) return Buffer.concat([Buffer.from([kinds.name]), counted(host)])
  return Buffer.concat([Buffer.from([family === 4 ? kinds.ipv4 : kinds.ipv6]), addressBytes(host)])
}

/** What a proxy says, taken no further than it is asked for: what follows is the host's. */
class Answers {
  #wake = () => {}
  readonly #told = () => this.#wake()
  static readonly #events = ['readable', 'end', 'close'] as const

  constructor(
    private readonly socket: Socket,
    private readonly name: string,
  ) {
    for (const event of Answers.#events) socket.on(event, this.#told)
  }

  /** So many bytes. @throws Error when they do not come */
  async take(length: number): Promise<Buffer> {
    const { socket } = this
    for (;;) {
      const taken = socket.read(length) as Buffer | null
      if (taken?.length === length) return taken
      if (socket.errored) throw socket.errored
      if (taken !== null || socket.readableEnded || socket.destroyed) throw notSocks(this.name)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  release(): void {
    for (const event of Answers.#events) this.socket.off(event, this.#told)
  }
}

const notSocks = (name: string): Error =>
  new Error(`what answers at ${name} is no SOCKS5 proxy, or hung up; check --proxy`)
