import { applyIp } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  captureLeak,
  createMarket,
  eventually,
  type Host,
  logged,
  type Market,
  machineState,
  noLeak,
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
  await seatBehind(laptop, 'lan0', { 4: ['192.168.7.1', '192.168.7.2'], 6: ['fd07::1', 'fd07::2'] })
  await seatBehind(tablet, 'lan1', { 6: ['fd08::1', 'fd08::2'] })
  // The kernel asks first whether somebody else has an address that it made itself.
  const tentative = ['ip', '-6', 'address', 'show', 'tentative']
  await eventually(
    'the new devices have their addresses',
    async () => (await consumer.host.run(tentative)).stdout === '',
  )
})
afterAll(() => market?.destroy())

/** Gives a machine no line but one to the consumer's. */
async function seatBehind(
  host: Host,
  device: string,
  addresses: { readonly 4?: readonly [string, string]; readonly 6: readonly [string, string] },
): Promise<void> {
  await applyIp(
    [['link', 'add', 'dev', device, 'type', 'veth', 'peer', 'name', 'lan', 'netns', host.netns]],
    { netns: consumer.host.netns },
  )
  await applyIp([['link', 'set', 'dev', host.device, 'down']], { netns: host.netns })
  const ends = [
    [consumer.host.netns, device],
    [host.netns, 'lan'],
  ] as const
  for (const [index, [netns, name]] of ends.entries()) {
    const own = Object.entries(addresses).map(([family, both]) => [
      both[index] as string,
      family === '4' ? 24 : 64,
    ])
    await applyIp(
      [
        ...own.map(([address, prefix]) => ['address', 'add', `${address}/${prefix}`, 'dev', name, 'nodad']),
        ['link', 'set', 'dev', name, 'up'],
      ],
      { netns },
    )
  }
  for (const [family, [via]] of Object.entries(addresses))
    await applyIp([['route', 'add', 'default', 'via', via]], {
      netns: host.netns,
      family: family === '4' ? 4 : 6,
    })
}

/** What a machine gets of a page, or why not. */
async function get(host: Host, name: string, path: string): Promise<string> {
  const attempt = host.start(['curl', '-sS', '--fail', '--max-time', '10', `http://${name}/${path}`])
  const { code } = await attempt.ended
  return code === 0 ? attempt.output().trim() : `curl ended with ${code}`
}

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
async function isAnswered(server: string, host = consumer.host): Promise<boolean> {
  const question = '00070100000100000000000003777777076578616d706c6503636f6d0000010001'
  const attempt = host.start([
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
    const names = await answerNames(market.internet.host, address)
    const before = { switches: await switches(), machine: await machineState(consumer.host) }
    const session = await connect('--gateway', 'lan0,lan1', '--dns', address, '--cap', '12MB')
    expect(await consumer.json('status')).toMatchObject({ gateway: ['lan0', 'lan1'] })
    expect(await consumer.run('status')).toContain('Gateway for what is behind lan0, lan1')
    expect(await get(laptop, address, 'address')).toBe(provider.host.address)
    expect(await get(laptop, `[${address6}]`, 'address')).toBe(provider.host.address6)
    expect(await get(tablet, `[${address6}]`, 'address')).toBe(provider.host.address6)
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
    expect(await get(tablet, `[${address6}]`, 'address')).toBe(provider.host.address6)
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
