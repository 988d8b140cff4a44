import { existsSync } from 'node:fs'
import { type Address, address } from '@pontage/shared'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  createMarket,
  eventually,
  type Host,
  home,
  logged,
  type Market,
  mappingsOf,
  offerMapping,
  openHub,
  type Person,
  type Program,
  putBehind,
  seat,
  seatConsumer,
} from '../world/index.js'

// A provider at home, behind a router that lets nothing in unless it is asked to: a real miniupnpd.

const hasDaemon = ['/usr/sbin', '/usr/bin', '/sbin', '/usr/local/sbin'].some((folder) =>
  existsSync(`${folder}/miniupnpd`),
)
const beneficiary: Address = address(`0x${'b4'.repeat(20)}`)
const ports = { tcp: 7800, udp: 51_820 } as const
let market: Market
let router: Host
let hub: Person
let provider: Person
let consumer: Person

describe.skipIf(!hasDaemon)('a provider behind a router', () => {
  beforeAll(async () => {
    market = await createMarket()
    hub = await openHub(market, 'hub', { pool: '100', drawAbove: '50' })
    router = await market.world.addHost('router')
    const host = await market.world.addHost('provider')
    await putBehind(router, host)
    provider = await seat(market, host, 'pontage-provider')
    await market.fund(provider.address, { tokens: '100', coin: '10' })
    await provider.run('register', '--stake', '50', '--beneficiary', beneficiary)
    consumer = await seatConsumer(market, 'consumer', '20')
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
  })
  beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
  afterAll(() => market?.destroy())

  const offer = () => [
    ...['--endpoint', `${router.address}:${ports.tcp}`, '--price', '20/GB', '--country', 'DE'],
    ...['--hub', hub.address, '--resolver', '192.0.2.53'],
  ]
  async function serve(): Promise<Program> {
    const program = provider.start(['run', ...offer()])
    await program.line(/"listening"/)
    return program
  }
  const reach = async () => {
    const program = provider.start(['doctor', '--json', ...offer()])
    await program.ended
    const { checks } = JSON.parse(program.lines().at(-1) ?? '{}') as {
      checks: { check: string; ok: boolean; says: string }[]
    }
    return checks.find(({ check }) => check === 'reach')
  }

  it('says so when the router does not open, and is served by nobody', async () => {
    const program = await serve()
    await logged(program, 'ports not mapped')
    const found = await eventually(
      'the hub has tried',
      async () => {
        const seen = await reach()
        return seen?.says.includes('No TLS connection') && seen
      },
      60_000,
    )
    expect(found.ok).toBe(false)
    expect((await program.stop('SIGTERM', 20_000)).code).toBe(0)
  })

  it('has the ports opened by NAT-PMP, serves through them, and takes them back', async () => {
    const daemon = await offerMapping(router, true)
    const program = await serve()
    await logged(program, 'ports mapped', { protocol: 'NAT-PMP', router: home.router })
    for (const port of Object.values(ports)) expect(await mappingsOf(router, port)).not.toEqual([])
    await eventually('the hub reaches it', async () => (await reach())?.ok, 60_000)
    const session = consumer.start(['connect', '--json'])
    await logged(session, 'connected', {}, 60_000)
    const download = consumer.host.start([
      ...['curl', '-sS', '--fail', '--max-time', '60', '-o', '/dev/null'],
      market.internet.fileUrl(2_000_000),
    ])
    expect((await download.ended).code).toBe(0)
    session.signal('SIGINT')
    expect((await session.ended).code).toBe(0)
    expect((await program.stop('SIGTERM', 20_000)).code).toBe(0)
    for (const port of Object.values(ports)) expect(await mappingsOf(router, port)).toEqual([])
    await daemon.stop()
  })

  it('has them opened by UPnP where the router knows no NAT-PMP', async () => {
    const daemon = await offerMapping(router, false)
    const program = await serve()
    await logged(program, 'ports mapped', { protocol: 'UPnP' })
    for (const port of Object.values(ports)) expect(await mappingsOf(router, port)).not.toEqual([])
    expect((await program.stop('SIGTERM', 20_000)).code).toBe(0)
    await daemon.stop()
  })
})
