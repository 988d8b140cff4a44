import { applyIp } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  answerNames,
  captureLeak,
  createMarket,
  eventually,
  type Host,
  isAnswered,
  logged,
  type Market,
  machineState,
  noLeak,
  openHub,
  openProvider,
  type Person,
  type Program,
  pageFrom,
  seatBehind,
  seatConsumer,
} from '../world/index.js'

// What a consumer may choose about its own machine, seen from the internet.

let market: Market
let consumer: Person
let provider: Person
/** Behind the consumer's machine: one of both families, and one that has IPv6 alone. */
let laptop: Host
let tablet: Host

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '2', '--yes')
  laptop = await market.world.addHost('laptop')
  tablet = await market.world.addHost('tablet')
  await seatBehind(consumer.host, laptop, 'lan0', {
    4: ['192.168.7.1', '192.168.7.2'],
    6: ['fd07::1', 'fd07::2'],
  })
  await seatBehind(consumer.host, tablet, 'lan1', { 6: ['fd08::1', 'fd08::2'] })
  // The kernel asks first whether somebody else has an address that it made itself.
  const tentative = ['ip', '-6', 'address', 'show', 'tentative']
  await eventually(
    'the new devices have their addresses',
    async () => (await consumer.host.run(tentative)).stdout === '',
  )
})
afterAll(() => market?.destroy())

/** Connects until the test is over. */
async function connect(...flags: readonly string[]): Promise<Program> {
  const session = consumer.start(['connect', '--json', ...flags])
  onTestFinished(async () => {
    await session.stop('SIGINT', 30_000)
    await consumer.run('disconnect')
  })
  await logged(session, 'connected', {}, 60_000)
  return session
}

/** A name server until the test is over. */
async function nameServer(address: string): Promise<Program> {
  const server = await answerNames(market.internet.host, address)
  onTestFinished(async () => {
    await server.stop('SIGKILL')
  })
  return server
}

describe('--dns', () => {
  it('has names asked for at the resolver that was named, through the tunnel, whomever a program asks', async () => {
    const { address, address6 } = market.internet.host
    const [four, six] = [await nameServer(address), await nameServer(address6)]
    await connect('--dns', `${address},${address6}`)
    // The resolver itself, and one that a program was given before.
    for (const server of [address, '192.0.2.53', address6, '2001:db8::53'])
      expect({ server, answered: await isAnswered(server, consumer.host) }).toEqual({
        server,
        answered: true,
      })
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

/** Asks by multicast DNS what is in the network. */
const askNeighbours = (host: Host, group: string) =>
  host.run([
    process.execPath,
    '-e',
    `const question = Buffer.from('0000000000000001000000000000095f7365727669636573075f646e732d7364045f756470056c6f63616c00000c0001', 'hex')
     const s = require('node:dgram').createSocket('${group.includes(':') ? 'udp6' : 'udp4'}')
     s.bind(5353, () => { s.setMulticastTTL(255); s.send(question, 5353, '${group}', () => s.close()) })`,
  ])

describe('--gateway', () => {
  const switches = async () =>
    (
      await consumer.host.run([
        ...[
          'sysctl',
          '-n',
          'net.ipv4.conf.lan0.forwarding',
          'net.ipv4.conf.lan1.forwarding',
          'net.ipv4.ip_forward',
        ],
        ...['net.ipv6.conf.all.forwarding', 'net.ipv6.conf.eth0.accept_ra'],
      ])
    ).stdout

  it('leads a network through the tunnel: addresses, names, what is paid and capped, in both families', async () => {
    const { address, address6 } = market.internet.host
    const names = await nameServer(address)
    const before = { switches: await switches(), machine: await machineState(consumer.host) }
    const session = await connect('--gateway', 'lan0,lan1', '--dns', address, '--cap', '12MB')
    expect(await consumer.json('status')).toMatchObject({ gateway: ['lan0', 'lan1'] })
    expect(await consumer.run('status')).toContain('Gateway for what is behind lan0, lan1')
    expect(await pageFrom(laptop, address, 'address')).toBe(provider.host.address)
    expect(await pageFrom(laptop, `[${address6}]`, 'address')).toBe(provider.host.address6)
    expect(await pageFrom(tablet, `[${address6}]`, 'address')).toBe(provider.host.address6)
    expect(await isAnswered('192.0.2.53', laptop)).toBe(true)
    expect(names.lines('stdout').filter((line) => line === `asked by ${provider.host.address}`)).toHaveLength(
      1,
    )
    // Each byte is one of the session's, and the cap is a cap for all.
    const download = laptop.start([
      'curl',
      '-s',
      '--max-time',
      '30',
      '-o',
      '/dev/null',
      market.internet.fileUrl(20_000_000),
    ])
    const { code } = await session.ended
    expect(code).toBe(0)
    await download.stop('SIGKILL')
    const [{ bytes, reason }] = (
      await consumer.json<{ sessions: { bytes: number; reason: string }[] }>('history')
    ).sessions.slice(-1) as [{ bytes: number; reason: string }]
    expect({ reason, isOver: bytes > 12_000_000 }).toEqual({ reason: 'cap', isOver: false })
    await consumer.run('disconnect')
    expect({ switches: await switches(), machine: await machineState(consumer.host) }).toEqual(before)
  })

  it('lets nothing of that network out beside the tunnel, also when the tunnel and its program are gone', async () => {
    const { address, address6 } = market.internet.host
    // Whoever switched forwarding on before lets it through while nobody is connected: the capture sees it then.
    await consumer.host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
    onTestFinished(async () => {
      await consumer.host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=0', 'net.ipv6.conf.all.forwarding=0'])
    })
    const tryAll = async () => {
      for (const [host, name] of [
        [laptop, address],
        [laptop, `[${address6}]`],
        [tablet, `[${address6}]`],
      ] as const)
        await host.start(['curl', '-s', '--max-time', '2', `http://${name}/address`]).ended
      await isAnswered(address, laptop)
      for (const group of ['224.0.0.251', 'ff02::fb%lan']) await askNeighbours(laptop, group)
    }
    const open = await captureLeak(market, consumer.host, [provider.host], tryAll)
    expect(open.ipv4).toBeGreaterThan(0)
    expect(open.ipv6).toBeGreaterThan(0)
    expect(open.names).toBeGreaterThan(0)

    // Nor does anybody get in, who finds a way to this machine: IPv6 is forwarded for all devices, or for none.
    const knocks = async () => {
      const knock = ['ping', '-6', '-c', '1', '-W', '2', 'fd07::2']
      await market.internet.host.start(knock).ended
      const { stdout } = await laptop.run(['nft', 'list', 'counters', 'table', 'inet', 'seen'])
      return Number(/packets (\d+)/.exec(stdout)?.[1])
    }
    await laptop.firewall(
      `table inet seen {
         counter knocks { }
         chain in {
           type filter hook input priority 0; policy accept;
           icmpv6 type echo-request counter name knocks
         }
       }`,
    )
    await applyIp(
      [['route', 'add', 'fd07::/64', 'dev', 'to-consumer', 'via', consumer.host.address6, 'onlink']],
      {
        family: 6,
      },
    )
    onTestFinished(() => applyIp([['route', 'delete', 'fd07::/64', 'dev', 'to-consumer']], { family: 6 }))
    expect(await knocks()).toBe(1)

    const session = await connect('--gateway', 'lan0,lan1')
    expect(await knocks()).toBe(1)
    expect(await pageFrom(tablet, `[${address6}]`, 'address')).toBe(provider.host.address6)
    const leak = await captureLeak(market, consumer.host, [provider.host], async () => {
      await tryAll()
      await session.stop('SIGKILL')
      await tryAll()
      await consumer.host.run([
        'bash',
        '-c',
        'for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true',
      ])
      await eventually(
        'the tunnel is gone',
        async () => !(await consumer.host.run(['ip', '-brief', 'link'])).stdout.includes('pont'),
      )
      await tryAll()
    })
    expect(await knocks()).toBe(1)
    expect(leak).toEqual(noLeak)
  })

  it.each([
    ['eth9', /no network device of this machine is called so/],
    ['eth0', /reaches the internet/],
    ['lo', /no network device/],
  ])('is refused for %s', async (device, why) => {
    const attempt = consumer.start(['connect', '--gateway', device])
    expect((await attempt.ended).code).toBe(1)
    expect(attempt.lines('stderr').join('\n')).toMatch(why)
  })
})
