import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  createMarket,
  type Host,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

// What a consumer may choose about its own machine, seen from the internet.

let market: Market
let consumer: Person
let provider: Person

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '2', '--yes')
})
afterAll(() => market?.destroy())

/** Connects until the test is over. */
async function connect(...flags: readonly string[]): Promise<void> {
  const session = consumer.start(['connect', '--json', ...flags])
  onTestFinished(async () => {
    await session.stop('SIGINT', 30_000)
    await consumer.run('disconnect')
  })
  await logged(session, 'connected', {}, 60_000)
}

/** A name server that answers every question with nothing, and says who asked. */
async function answerNames(host: Host, address: string): Promise<Program> {
  const family = address.includes(':') ? 'udp6' : 'udp4'
  const server = host.start([
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('${family}')
     s.on('message', (m, from) => {
       console.log('asked by ' + from.address)
       m[2] |= 0x80
       s.send(m, from.port, from.address)
     })
     s.bind(53, '${address}', () => console.log('up'))`,
  ])
  await server.line(/up/)
  onTestFinished(async () => {
    await server.stop('SIGKILL')
  })
  return server
}

/** Whether a question to that address is answered. */
async function isAnswered(server: string): Promise<boolean> {
  const question = '00070100000100000000000003777777076578616d706c6503636f6d0000010001'
  const attempt = consumer.host.start([
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('${server.includes(':') ? 'udp6' : 'udp4'}')
     s.on('message', () => process.exit(0)); s.on('error', () => process.exit(1))
     s.connect(53, '${server}', () => s.send(Buffer.from('${question}', 'hex')))
     setTimeout(() => process.exit(1), 4000)`,
  ])
  return (await attempt.ended).code === 0
}

describe('--dns', () => {
  it('has names asked for at the resolver that was named, through the tunnel, whomever a program asks', async () => {
    const { address, address6 } = market.internet.host
    const [four, six] = [
      await answerNames(market.internet.host, address),
      await answerNames(market.internet.host, address6),
    ]
    await connect('--dns', `${address},${address6}`)
    // The resolver itself, and one that a program was given before.
    for (const server of [address, '192.0.2.53', address6, '2001:db8::53'])
      expect({ server, answered: await isAnswered(server) }).toEqual({ server, answered: true })
    const askers = (of: Program, host: string) =>
      of.lines('stdout').filter((line) => line === `asked by ${host}`).length
    expect(askers(four, provider.host.address)).toBe(2)
    expect(askers(six, provider.host.address6)).toBe(2)
    expect([...four.lines('stdout'), ...six.lines('stdout')]).toHaveLength(6)
  })

  it('is refused for an address that is not reached through a tunnel', async () => {
    const attempt = consumer.start(['connect', '--dns', '192.168.1.1'])
    expect((await attempt.ended).code).toBe(1)
    expect(attempt.lines('stderr').join('\n')).toMatch(/192\.168\.1\.1, which lies .* in a local network/)
  })
})
