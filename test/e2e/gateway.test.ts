import { applyIp, listTable } from '@pontage/shared/node'
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
  programPath,
  seatBehind,
  seatConsumer,
} from '../world/index.js'

// What machines behind a gateway, strangers before it, and whoever else changes the gateway can do to the rest of them.

let market: Market
let consumer: Person
let provider: Person
let laptop: Host
let stranger: Host
const behind = { 4: ['192.168.7.1', '192.168.7.2'], 6: ['fd07::1', 'fd07::2'] } as const

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '2', '--yes')
  laptop = await market.world.addHost('laptop')
  stranger = await market.world.addHost('stranger')
  await seatBehind(consumer.host, laptop, 'lan0', behind)
  const tentative = ['ip', '-6', 'address', 'show', 'tentative']
  await eventually(
    'the new devices have their addresses',
    async () => (await consumer.host.run(tentative)).stdout === '',
  )
})
afterAll(() => market?.destroy())

/** Connects as the gateway of `lan0`. @returns the session, and what ends it */
async function connect(...flags: readonly string[]): Promise<{ session: Program; end(): Promise<void> }> {
  const session = consumer.start(['connect', '--json', '--gateway', 'lan0', ...flags])
  await logged(session, 'connected', {}, 150_000)
  return {
    session,
    async end() {
      await session.stop('SIGINT', 60_000)
      await consumer.run('disconnect')
    },
  }
}

/** Counts on a host what passes the end of a hook. @returns what tells how many there were by now */
async function counting(host: Host, hook: string, what: readonly string[]): Promise<() => Promise<number>> {
  await host.firewall(
    `table inet seen {
       counter there { }
       chain watch {
         type filter hook ${hook} priority 350; policy accept;
         ${what.map((each) => `${each} counter name there`).join('\n')}
       }
     }`,
  )
  onTestFinished(async () => void (await host.run(['nft', 'delete', 'table', 'inet', 'seen'])))
  return async () =>
    Number((await listTable('inet', 'seen', { netns: host.netns }))?.counters.get('there')?.packets)
}

/** Sends one datagram. */
const send = (from: Host, to: string, port: number, own: { address?: string; port?: number } = {}) =>
  from.run([
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('${to.includes(':') ? 'udp6' : 'udp4'}')
     s.bind(${own.port ?? 0}${own.address === undefined ? '' : `, '${own.address}'`}, () => s.send('x', ${port}, '${to}', () => s.close()))`,
  ])

const ping = async (from: Host, to: string) =>
  (await from.start(['ping', '-c', '1', '-W', '2', to]).ended).code === 0

/** Has the machine forward by itself, as Docker does. */
const forward = async (value: '0' | '1') =>
  void (await consumer.host.run([
    ...['sysctl', '-qw', `net.ipv4.ip_forward=${value}`, `net.ipv6.conf.all.forwarding=${value}`],
  ]))

describe('with a tunnel', () => {
  let session: Program
  let end: () => Promise<void>
  beforeAll(async () => {
    await forward('1')
    ;({ session, end } = await connect('--dns', market.internet.host.address, '--cap', '3MB'))
  })
  afterAll(async () => {
    await end?.()
    await forward('0')
  })
  const listens = ['sysctl', '-n', 'net.ipv6.conf.lan0.accept_ra']
  const isLed = async () => {
    const { address } = market.internet.host
    return (await pageFrom(laptop, address, 'address')) === provider.host.address
  }

  it('a stranger before it sends nothing into the tunnel, not even as a question for a name', async () => {
    const far = ['2001:db8:77::1', '203.0.113.77'] as const
    const through = await counting(provider.host, 'prerouting', [`ip6 daddr ${far[0]}`, `ip daddr ${far[1]}`])
    for (const [to, via] of [
      [far[0], consumer.host.address6],
      [far[1], consumer.host.address],
    ] as const) {
      const family = to.includes(':') ? 6 : 4
      await applyIp([['route', 'add', to, 'dev', 'to-consumer', 'via', via, 'onlink']], { family })
      onTestFinished(() => applyIp([['route', 'delete', to, 'dev', 'to-consumer']], { family }))
    }
    for (const to of far) for (const port of [53, 80]) await send(stranger, to, port)
    // Nor does it pass as somebody who may.
    const { stdout } = await consumer.host.run(['ip', '-6', 'address', 'show'])
    const own = String(/inet6 (fd50:[0-9a-f:]+)\/128/.exec(stdout)?.[1])
    await applyIp([['address', 'add', `${own}/128`, 'dev', 'eth0', 'nodad']], { netns: stranger.netns })
    await send(stranger, far[0], 80, { address: own })
    expect(await isLed()).toBe(true)
    expect(await through()).toBe(0)
  })

  it('a machine behind it sends nothing to the provider’s own door, nor as if it were DHCP', async () => {
    const beside = await counting(consumer.host, 'postrouting', [
      'oifname "eth0" ip saddr 192.168.7.0/24',
      'oifname "eth0" ip6 saddr fd07::/64',
    ])
    const { address, address6 } = provider.host
    for (const name of [address, `[${address6}]`])
      await laptop.start(['curl', '-s', '--max-time', '2', `http://${name}:7800/`]).ended
    await send(laptop, market.internet.host.address, 67, { port: 68 })
    expect(await beside()).toBe(0)
  })

  it('a machine behind it does not get at the port where the session is paid for', async () => {
    const { stdout } = await consumer.host.run(['ss', '-Htn', 'state', 'established', 'dst', '10.86.0.1'])
    const port = /10\.86\.0\.1:(\d+)/.exec(stdout)?.[1]
    const knock = (from: Host) =>
      from.start(['timeout', '5', 'bash', '-c', `echo > /dev/tcp/10.86.0.1/${port}`]).ended
    expect((await knock(consumer.host)).code).toBe(0)
    expect((await knock(laptop)).code).not.toBe(0)
  })

  it('a machine behind it asks no resolver of a family of which none was named', async () => {
    const { address6 } = market.internet.host
    const six = await answerNames(market.internet.host, address6)
    expect(await isAnswered(address6, laptop)).toBe(false)
    expect(six.lines('stdout').filter((line) => line.startsWith('asked'))).toEqual([])
    await six.stop('SIGKILL')
  })

  it('nothing leaves beside it while the firewall is flushed and the device made anew', async () => {
    const { address, address6 } = market.internet.host
    const noise = laptop.start([
      'bash',
      '-c',
      `while :; do for name in ${address} [${address6}]; do curl -s -g -m 1 -o /dev/null "http://$name/address" & done
       for port in 53 853; do echo x > /dev/udp/9.9.9.9/$port; done; sleep 0.1; done`,
    ])
    const leak = await captureLeak(market, consumer.host, [provider.host], async () => {
      for (let round = 0; round < 3; round++) {
        await consumer.host.run(['nft', 'flush', 'ruleset'])
        await eventually('it is whole again', isLed)
      }
      await applyIp([['link', 'delete', 'dev', 'lan0']], { netns: consumer.host.netns })
      await seatBehind(consumer.host, laptop, 'lan0', behind)
      await eventually('it is a gateway again', isLed)
    })
    await noise.stop('SIGKILL')
    expect(leak).toEqual(noLeak)
  })

  it('a device that becomes its own way to the internet is a way to nobody’s guests', async () => {
    const guests = async () =>
      (await consumer.host.run(['nft', 'list', 'set', 'inet', 'pontage_consumer', 'guests'])).stdout
    expect(await guests()).toContain('lan0')
    const route = ['default', 'via', '192.168.7.2', 'dev', 'lan0', 'metric', '50']
    await applyIp([['route', 'add', ...route]], { netns: consumer.host.netns })
    await eventually('it is none any more', async () => !(await guests()).includes('lan0'))
    await eventually('routers are listened to there', async () =>
      (await consumer.host.run(listens)).stdout.startsWith('2'),
    )
    // On the link itself, as where a router answers for everybody.
    const mac = (await laptop.run(['cat', '/sys/class/net/lan/address'])).stdout.trim()
    await consumer.host.run(['ip', 'neigh', 'replace', '198.18.0.1', 'lladdr', mac, 'dev', 'lan0'])
    const seen = await counting(laptop, 'prerouting', ['ip saddr 192.168.7.1'])
    await consumer.host.start(['curl', '-s', '-m', '2', '--interface', 'lan0', 'http://198.18.0.1/']).ended
    await consumer.host.start(['curl', '-s', '-m', '2', 'http://192.168.7.2/']).ended
    expect(await seen()).toBe(0)
    await applyIp([['route', 'delete', ...route]], { netns: consumer.host.netns })
    await eventually('it is one again', async () => (await guests()).includes('lan0'))
    expect(await isLed()).toBe(true)
  })

  it('and none once it has ended, a machine behind it sends nothing as if it were DHCP', async () => {
    const beside = await counting(consumer.host, 'postrouting', ['oifname "eth0" ip saddr 192.168.7.0/24'])
    const words = ['curl', '-s', '--max-time', '30', '-o', '/dev/null', market.internet.fileUrl(9_000_000)]
    const download = laptop.start(words)
    await session.ended
    await download.stop('SIGKILL')
    await send(laptop, market.internet.host.address, 67, { port: 68 })
    expect(await beside()).toBe(0)
    // It listened to routers on a device that was its way to the internet for a moment.
    await end()
    expect((await consumer.host.run(listens)).stdout.trim()).toBe('1')
  })
})

it('a machine behind it is answered by neighbours where these are allowed, and they do not begin to talk to it', async () => {
  await forward('1')
  onTestFinished(() => forward('0'))
  await applyIp(
    [['link', 'add', 'dev', 'hall0', 'type', 'veth', 'peer', 'name', 'hall', 'netns', stranger.netns]],
    { netns: consumer.host.netns },
  )
  onTestFinished(() => applyIp([['link', 'delete', 'dev', 'hall0']], { netns: consumer.host.netns }))
  for (const [netns, device, address] of [
    [consumer.host.netns, 'hall0', '10.9.0.1'],
    [stranger.netns, 'hall', '10.9.0.2'],
  ] as const)
    await applyIp(
      [
        ['address', 'add', `${address}/24`, 'dev', device],
        ['link', 'set', 'dev', device, 'up'],
      ],
      { netns },
    )
  await applyIp([['route', 'add', '192.168.7.0/24', 'via', '10.9.0.1']], { netns: stranger.netns })
  expect([await ping(laptop, '10.9.0.2'), await ping(stranger, '192.168.7.2')]).toEqual([true, true])
  const { end } = await connect('--allow-lan')
  onTestFinished(end)
  expect([await ping(laptop, '10.9.0.2'), await ping(stranger, '192.168.7.2')]).toEqual([true, false])
})

it('says what it lacks where the kernel’s settings cannot be written, before it asks a provider', async () => {
  const before = await machineState(consumer.host)
  const attempt = consumer.host.start([
    ...['unshare', '-m', 'bash', '-c'],
    'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$0" "$@"',
    ...[programPath('pontage'), 'connect', '--gateway', 'lan0'],
  ])
  expect((await attempt.ended).code).toBe(1)
  expect(attempt.lines('stderr').join('\n')).toMatch(/lan0\/forwarding is 0 and has to be 1.*sysctl -w/)
  expect(attempt.output()).not.toContain(provider.address)
  expect(await machineState(consumer.host)).toBe(before)
})

it.each(['lan"0', 'lan*', 'a,b'])('says that %s cannot be named in a rule', async (device) => {
  const words = ['link', 'add', 'dev', device, 'type', 'veth', 'peer', 'name', 'odd']
  await consumer.host.run(['ip', ...words])
  onTestFinished(async () => void (await consumer.host.run(['ip', 'link', 'delete', 'dev', 'odd'])))
  const attempt = consumer.start(['connect', '--gateway', device])
  expect((await attempt.ended).code).toBe(1)
  expect(attempt.lines('stderr').join('\n')).toMatch(/rules take names of letters|no network device/)
})
