import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readProxy, useProxy } from './proxy.js'
import { raceConnect } from './raceConnect.js'
import { connectThrough, tryProxy } from './socks.js'

let server: Server
/** What the proxy says to whom, and what it was sent. */
let serve: (socket: Socket) => void
let heard: Buffer
beforeEach(async () => {
  heard = Buffer.alloc(0)
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk])
    })
    serve(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  useProxy(undefined)
  return new Promise((resolve) => server.close(resolve))
})

const url = (login = '') => `socks5://${login}127.0.0.1:${(server.address() as AddressInfo).port}`
const proxy = (login = '') => readProxy(url(login))
const bytes = (...values: readonly number[]) => Buffer.from(values)
const granted = bytes(5, 0, 0, 1, 10, 0, 0, 1, 4, 56)
const to = (host: string) => ({ host, port: 443, timeoutMs: 2_000 })

/** Answers each message with the next of these. */
const saying =
  (...answers: readonly Buffer[]) =>
  (socket: Socket) => {
    const left = [...answers]
    socket.on('data', () => socket.write(left.shift() ?? bytes()))
  }

describe('a SOCKS5 proxy', () => {
  it.each([
    ['an address', granted],
    ['a longer one', bytes(5, 0, 0, 4, ...Array<number>(18).fill(7))],
    ['a name', bytes(5, 0, 0, 3, 2, 97, 98, 4, 56)],
  ])('finds names itself, connects from %s, and hands over what the host says', async (_, from) => {
    serve = saying(bytes(5, 0), Buffer.concat([from, Buffer.from('hello')]))
    const socket = await connectThrough(proxy(), to('exit.example'))
    const [said] = await once(socket, 'data')
    expect(String(said)).toBe('hello')
    expect(heard.toString('latin1')).toBe('\x05\x01\x00\x05\x01\x00\x03\x0cexit.example\x01\xbb')
    socket.destroy()
  })

  it.each([
    ['192.0.2.7', '01c0000207'],
    ['2001:db8::7', '0420010db8000000000000000000000007'],
    ['::ffff:192.0.2.7', '0400000000000000000000ffffc0000207'],
  ])('is asked for %s by its address', async (host, written) => {
    serve = saying(bytes(5, 0), granted)
    const socket = await connectThrough(proxy(), to(host))
    expect(heard.toString('hex')).toBe(`050100050100${written}01bb`)
    socket.destroy()
  })

  it('is asked for no name whose length would wrap around: what follows would be read as another host’s', async () => {
    serve = saying(bytes(5, 0), granted)
    const long = `${'a'.repeat(4)}.example.${'b'.repeat(260)}`
    await expect(connectThrough(proxy(), to(long))).rejects.toThrow(/longer than 255 bytes/)
    expect(heard.length).toBeLessThanOrEqual(3)
  })

  it('is told user and password where it wants them', async () => {
    serve = saying(bytes(5, 2), bytes(1, 0), granted)
    const socket = await connectThrough(proxy('anna:p%40ss@'), to('192.0.2.7'))
    expect(heard.toString('latin1')).toContain('\x05\x02\x00\x02\x01\x04anna\x04p@ss\x05\x01\x00')
    socket.destroy()
  })

  it.each([
    ['wants a user and a password', '', [bytes(5, 0xff)]],
    ['takes no user and password', 'anna:secret@', [bytes(5, 0xff)]],
    ['refuses the user or the password', 'anna:secret@', [bytes(5, 2), bytes(1, 1)]],
    ['its rules do not allow it', '', [bytes(5, 0), bytes(5, 2, 0, 1, 0, 0, 0, 0, 0, 0)]],
    ['cannot be reached from there', '', [bytes(5, 0), bytes(5, 4, 0, 1, 0, 0, 0, 0, 0, 0)]],
    ['it says 99', '', [bytes(5, 0), bytes(5, 99, 0, 1, 0, 0, 0, 0, 0, 0)]],
    ['no SOCKS5 proxy', '', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]],
    ['no SOCKS5 proxy', '', [bytes(5, 2)]],
    ['no SOCKS5 proxy', '', [bytes(5, 0), bytes(5, 0, 0, 9)]],
  ])('says in a sentence that it %s', async (sentence, login, answers) => {
    serve = saying(...answers)
    const failed = await connectThrough(proxy(login), to('exit.example')).catch((error: Error) => error)
    expect((failed as Error).message).toContain(sentence)
    expect((failed as Error).message).not.toContain('secret')
  })

  it('is named when it hangs up, is silent, or is not there', async () => {
    serve = (socket) => socket.end(bytes(5))
    await expect(connectThrough(proxy(), to('a'))).rejects.toThrow(/no SOCKS5 proxy, or hung up/)
    serve = () => {}
    const late = { ...to('a'), timeoutMs: 50 }
    await expect(connectThrough(proxy(), late)).rejects.toThrow(/does not connect to a:443 within 50 ms/)
    await expect(tryProxy(readProxy('socks5://127.0.0.1:1'), 2_000)).rejects.toThrow(/cannot be reached/)
  })

  it('may say anything, in any pieces: there is a connection or a sentence', async () => {
    const piece = fc.oneof(fc.constant(bytes(5, 0)), fc.constant(granted), fc.uint8Array({ maxLength: 30 }))
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 4 }), async (pieces) => {
        serve = (socket) => {
          for (const each of pieces) socket.write(each)
          socket.end()
        }
        const result = await connectThrough(proxy(), to('a')).catch((error: Error) => error)
        if (result instanceof Error) expect(result.message).toMatch(/^(the proxy|what answers) at 127/)
        else result.destroy()
      }),
      { numRuns: 200 },
    )
  })
})

describe('a process that uses a proxy', () => {
  it('connects nowhere beside it, and asks nobody for a name', async () => {
    useProxy(url())
    serve = saying(bytes(5, 0), granted)
    const lookup = async () => {
      throw new Error('It was looked up.')
    }
    const socket = await raceConnect({ ...to('exit.example'), lookup })
    expect(heard.toString('latin1')).toContain('exit.example')
    socket.destroy()
  })

  it('reaches what is on this machine without it', async () => {
    useProxy('socks5://192.0.2.1:1080')
    serve = (socket) => socket.end()
    const { port } = server.address() as AddressInfo
    for (const host of ['127.0.0.1', 'localhost'])
      (await raceConnect({ host, port, timeoutMs: 2_000 })).destroy()
  })

  it.each([
    ['is no SOCKS5 proxy', 'http://127.0.0.1:1080'],
    ['is no SOCKS5 proxy', '127.0.0.1:1080'],
    ['is no SOCKS5 proxy', 'socks5://127.0.0.1'],
    ['is no SOCKS5 proxy', 'socks5://127.0.0.1:1080/path'],
    ['Give its IP address', 'socks5://proxy.example:1080'],
    ['both or neither', 'socks5://anna@127.0.0.1:1080'],
    ['both or neither', `socks5://anna:${'x'.repeat(256)}@127.0.0.1:1080`],
  ])('is told that --proxy %s', async (sentence, text) => {
    useProxy(text)
    const failed = await raceConnect(to('exit.example')).catch((error: Error) => error)
    expect((failed as Error).message).toContain(sentence)
  })
})
