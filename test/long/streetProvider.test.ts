import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { applyIp, runCommand } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  createMarket,
  eventually,
  Host,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  patientMs,
  programPath,
  seat,
  seatConsumer,
} from '../world/index.js'

// A provider's machine is not its alone: firewalls are reloaded, switches reset, devices come and go, containers start.

const beneficiary = `0x${'b4'.repeat(20)}` as const
let market: Market
let hub: Person
let provider: Person & { program: Program }
let consumer: Person
let other: Person

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '50' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], beneficiary: beneficiary as never },
  })
  consumer = await seatConsumer(market, 'consumer', '20')
  other = await seatConsumer(market, 'other', '20')
  for (const person of [consumer, other])
    await person.run('channel', 'open', '--hub', hub.address, '--amount', '10')
})
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(() => market.destroy())

const onProvider = async (...command: string[]) => (await provider.host.run(command)).stdout

async function serve(person: Person, port: number, ...flags: readonly string[]): Promise<Program> {
  const program = person.start([
    ...['run', '--endpoint', `${person.host.address}:${port}`, '--price', '20/GB', '--country', 'DE'],
    ...['--hub', hub.address, ...flags],
  ])
  await program.line(/"listening"/)
  return program
}

/** What still runs when a test fails would keep the next one from connecting. */
const sessions: { person: Person; program: Program }[] = []
afterEach(async () => {
  for (const { person, program } of sessions.splice(0)) {
    if (!program.running) continue
    await program.stop('SIGKILL')
    await person.run('unlock', '--yes')
  }
})

async function connect(to: Person = provider, person: Person = consumer): Promise<Program> {
  const program = person.start(['connect', '--json', '--provider', to.address])
  sessions.push({ person, program })
  await logged(program, 'connected')
  return program
}

const hangUp = async (session: Program) => {
  session.signal('SIGINT')
  expect((await session.ended).code).toBe(0)
}

const fetches = async (host: Host, seconds = 3): Promise<boolean> => {
  const { code } = await host.start([
    ...['curl', '-sS', '--fail', '--max-time', String(seconds), '-o', '/dev/null'],
    market.internet.fileUrl(200_000),
  ]).ended
  return code === 0
}

/** What passes again soon, without anybody's doing. */
const passesAgain = (what: string, person: Person = consumer) =>
  eventually(`traffic passes after ${what}`, () => fetches(person.host))

const used = async (): Promise<number> => {
  const { sessions } = await provider.json<{ sessions: { downBytes: string }[] }>('sessions')
  return Number(sessions[0]?.downBytes ?? 0)
}

/** The device by which the provider reaches the world goes, and comes back as a new one of the same name. */
async function remakeUplink({ netns, device, address, address6 }: Host): Promise<void> {
  const link = `to-${netns}`
  await applyIp([
    ['link', 'delete', 'dev', link],
    ['link', 'add', 'dev', link, 'type', 'veth', 'peer', 'name', device, 'netns', netns],
    ['address', 'add', '192.0.2.1/32', 'dev', link],
    ['address', 'add', 'fe80::1/64', 'dev', link, 'nodad'],
    ['link', 'set', 'dev', link, 'up'],
    ['route', 'add', `${address}/32`, 'dev', link],
    ['route', 'add', `${address6}/128`, 'dev', link],
  ])
  await applyIp(
    [
      ['address', 'add', `${address}/32`, 'dev', device],
      ['address', 'add', `${address6}/128`, 'dev', device, 'nodad'],
      ['link', 'set', 'dev', device, 'up'],
      ['route', 'add', '192.0.2.1', 'dev', device],
      ['route', 'add', 'default', 'via', '192.0.2.1', 'dev', device],
      ['route', 'add', '::/0', 'via', 'fe80::1', 'dev', device],
    ],
    { netns },
  )
}

const tunnelName = async () => /^(pont\w+)/m.exec(await onProvider('ip', '-brief', 'link'))?.[1] ?? ''

describe('a provider whose machine others change', () => {
  it('has its rules back after a flush, with nobody connected', async () => {
    await onProvider('nft', 'flush', 'ruleset')
    await logged(provider.program, 'the rules were gone and are back', { sessions: 0 })
    const session = await connect()
    expect(await fetches(consumer.host, 20)).toBe(true)
    await hangUp(session)
  })

  it('has them back while somebody downloads, and goes on counting where it was', async () => {
    const session = await connect()
    await passesAgain('connecting')
    const before = await eventually('it was counted', async () => {
      const bytes = await used()
      return bytes > 200_000 && bytes
    })
    await onProvider('nft', 'flush', 'ruleset')
    await logged(provider.program, 'the rules were gone and are back', { sessions: 1 })
    await passesAgain('a flush')
    await eventually('more was counted', async () => (await used()) > before + 200_000)
    expect(session.running).toBe(true)
    await hangUp(session)
  })

  it('has back what was changed in part, and goes on when a session’s own rows were', async () => {
    const session = await connect()
    await passesAgain('connecting')
    const table = ['inet', `pontage_${await tunnelName()}`]
    const listed = () => onProvider('nft', '-s', 'list', 'table', ...table)
    // Sets and counters stand before the chains.
    const constant = async () => {
      const text = await listed()
      const closed = text.includes('168.63.129.16') && !text.includes('dormant')
      return { closed, chains: text.slice(text.indexOf('\tchain ')) }
    }
    await eventually('the resolver is followed', async () => {
      const resolver = /^nameserver (\d\S+)/m.exec(readFileSync('/etc/resolv.conf', 'utf8'))?.[1]
      return resolver === undefined || (await listed()).includes(`dnat ip to ${resolver}`)
    })
    const whole = await constant()
    const upsets: Record<string, string[]> = {
      'a chain without which nothing is charged': ['flush', 'chain', ...table, 'charge_down'],
      'a rule that lets everything through': ['insert', 'rule', ...table, 'filtering', 'accept'],
      'the list of what is closed': ['flush', 'set', ...table, 'closed4'],
      'the whole table, put to sleep': ['add', 'table', ...table, '{ flags dormant; }'],
    }
    for (const [what, words] of Object.entries(upsets)) {
      await onProvider('nft', ...words)
      await eventually(`${what} is as before`, async () => isDeepStrictEqual(await constant(), whole))
    }
    await onProvider('nft', 'flush', 'set', ...table, 'passing4')
    await hangUp(session)
    expect(provider.program.running).toBe(true)
  })

  it('mends switches, routes, the tunnel’s state and a new uplink while it serves', async () => {
    const session = await connect()
    await passesAgain('connecting')
    const tunnel = await tunnelName()
    const upsets: Record<string, () => Promise<unknown>> = {
      'forwarding was switched off': () => onProvider('sysctl', '-qw', 'net.ipv4.ip_forward=0'),
      'the route to consumers was deleted': () => onProvider('ip', 'route', 'delete', '10.86.0.0/16'),
      'the tunnel was set down': () => onProvider('ip', 'link', 'set', 'dev', tunnel, 'down'),
      'the tunnel was made narrower than IPv6 bears': () =>
        onProvider('ip', 'link', 'set', 'dev', tunnel, 'mtu', '1000').then(() =>
          eventually('it is as wide again', async () =>
            /mtu 14\d\d/.test(await onProvider('ip', 'link', 'show', 'dev', tunnel)),
          ),
        ),
      'the tunnel lost its address': () => onProvider('ip', 'address', 'flush', 'dev', tunnel),
      'the uplink was made anew': () => remakeUplink(provider.host),
    }
    for (const [what, upset] of Object.entries(upsets)) {
      await upset()
      await passesAgain(what)
    }
    await hangUp(session)
  })
})

/** As Docker does when it starts: it forwards for a container behind a bridge of its own. */
async function startContainer({ netns }: Host): Promise<string> {
  const box = 'container'
  await applyIp([['netns', 'add', box]])
  await applyIp(
    [
      ['link', 'add', 'dev', 'docker0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', box],
      ['address', 'add', '172.17.0.1/16', 'dev', 'docker0'],
      ['link', 'set', 'dev', 'docker0', 'up'],
    ],
    { netns },
  )
  await applyIp(
    [
      ['address', 'add', '172.17.0.2/16', 'dev', 'eth0'],
      ['link', 'set', 'dev', 'eth0', 'up'],
      ['route', 'add', 'default', 'via', '172.17.0.1'],
    ],
    { netns: box },
  )
  await onProvider('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  await provider.host.firewall(`table ip docker {
    chain post {
      type nat hook postrouting priority srcnat; policy accept;
      ip saddr 172.17.0.0/16 masquerade
    }
  }`)
  return box
}

const containerFetches = (box: string) => () =>
  runCommand(
    ['curl', '-sS', '--fail', '--max-time', '3', '-o', '/dev/null', market.internet.fileUrl(1_000)],
    { netns: box },
  ).then(
    () => true,
    () => false,
  )

const switches = () =>
  onProvider(
    'sh',
    '-c',
    'grep -r . /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/forwarding',
  )

/** What `doctor` finds about the way through. */
async function way(): Promise<{ ok: boolean; says: string }> {
  const program = provider.start([
    ...['doctor', '--json', '--endpoint', `${provider.host.address}:7800`, '--price', '20/GB'],
    ...['--country', 'DE', '--hub', hub.address, '--resolver', market.internet.host.address],
  ])
  await program.ended
  const { checks } = JSON.parse(program.lines().at(-1) ?? '{}') as {
    checks: { check: string; ok: boolean; says: string }[]
  }
  return checks.find(({ check }) => check === 'way') ?? { ok: false, says: 'nothing' }
}

/** A firewall that forwards for nobody it does not know, as Docker and ufw have it. */
const strictFirewall = `table ip filter {
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
  }
}`

describe('a provider beside other firewalls', () => {
  it('finds out by a packet of its own that they drop, names them, charges nothing, and takes its offer back', async () => {
    await provider.program.stop('SIGTERM', patientMs)
    await eventually('its own packet passes', async () => (await way()).ok)
    await provider.host.firewall(strictFirewall)
    const stopped = await way()
    expect(stopped.ok).toBe(false)
    expect(stopped.says).toContain('chain ip filter FORWARD')
    await provider.host.firewall('delete table ip filter')

    provider.program = await serve(
      provider,
      7800,
      ...['--withdraw-after', '3', '--resolver', market.internet.host.address],
    )
    const session = await connect()
    await passesAgain('connecting')
    await eventually('its own packet passes', async () => (await way()).ok)
    await provider.host.firewall(strictFirewall)
    const { reason } = await logged(provider.program, 'no traffic passes')
    expect(reason).toContain('chain ip filter FORWARD')
    const counted = async () => {
      const { sessions } = await provider.json<{ sessions: { upBytes: string }[] }>('sessions')
      return sessions[0]?.upBytes
    }
    const before = await counted()
    expect(await fetches(consumer.host)).toBe(false)
    expect([before, undefined]).toContain(await counted())
    expect((await way()).says).toContain('chain ip filter FORWARD')
    expect(await provider.run('status')).toContain('NO TRAFFIC PASSES')
    await logged(provider.program, 'the offer is withdrawn until traffic passes again')
    const hasOffer = async () => !/There is no offer/.test(await provider.run('offer'))
    await eventually('there is no offer', async () => !(await hasOffer()))
    await session.stop('SIGKILL')
    await consumer.run('disconnect')

    await provider.host.firewall('delete table ip filter')
    await logged(provider.program, 'traffic passes again')
    await eventually('there is an offer again', hasOffer)
    const again = await connect()
    await passesAgain('the firewall was changed')
    await hangUp(again)
  }, 400_000)

  it('lets containers be that were started after it, while it runs and after that', async () => {
    const box = await startContainer(provider.host)
    await eventually('the container has a way out', containerFetches(box))
    expect((await provider.program.stop('SIGTERM', patientMs)).code).toBe(0)
    expect(await containerFetches(box)()).toBe(true)
    await onProvider('nft', 'delete', 'table', 'ip', 'docker')
    await onProvider('ip', 'link', 'delete', 'docker0')
    await onProvider('sysctl', '-qw', 'net.ipv4.ip_forward=0')
    await applyIp([['netns', 'delete', box]])
  })
})

const nobodyServes = async () => {
  if (provider.program.running) await provider.program.stop('SIGTERM', patientMs)
}

describe('two providers on one machine', () => {
  beforeEach(nobodyServes)

  it('both serve, and the one that ends first leaves the other its forwarding', async () => {
    const untouched = await switches()
    const { netns, address, address6 } = provider.host
    const host = new Host('second', netns, address, address6, join(market.world.folder, 'second'))
    const second = await seat(market, host, 'pontage-provider')
    await market.fund(second.address, { tokens: '100', coin: '10' })
    await second.run('register', '--stake', '50', '--beneficiary', beneficiary)
    provider.program = await serve(provider, 7800)
    const program = await serve(
      second,
      7801,
      ...['--wireguard-port', '51821', '--subnet4', '10.87.0.0/16', '--subnet6', 'fd50:6f6e:7468::/64'],
    )
    const first = await connect(provider, consumer)
    const session = await connect(second, other)
    await passesAgain('connecting to one of two', consumer)
    await passesAgain('connecting to the other', other)
    await hangUp(first)
    expect((await provider.program.stop('SIGTERM', patientMs)).code).toBe(0)
    await passesAgain('the first has ended', other)
    await hangUp(session)
    expect((await program.stop('SIGTERM', patientMs)).code).toBe(0)
    expect(await switches()).toBe(untouched)
  }, 400_000)
})

/** What a provider leaves on its machine. */
const traces = async () => [
  ...(await onProvider('nft', 'list', 'tables')).split('\n').filter((line) => line.includes('pontage')),
  ...(await onProvider('ip', '-brief', 'link')).split('\n').filter((line) => line.startsWith('pont')),
]

/** Flags of `run` on the usual endpoint. */
const offer = (host = provider.host.address) => [
  ...['--endpoint', `${host}:7800`, '--price', '20/GB', '--country', 'DE', '--hub', hub.address],
]

/** Runs a command of the provider where the kernel's settings cannot be written, as in a container. */
const inContainer = (...args: string[]): Program =>
  provider.host.start([
    ...['unshare', '--mount', 'sh', '-c'],
    'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"',
    ...['sh', programPath('pontage-provider'), ...args],
  ])

const stackTrace = /\n\s+at .+:\d+:\d+/

describe('a provider that ends', () => {
  beforeEach(nobodyServes)

  it('serves where settings cannot be written but are right, and says what is wrong where they are not', async () => {
    const refused = inContainer('run', ...offer())
    expect((await refused.ended).code).toBe(1)
    expect(refused.output()).toContain('has to be 1, but cannot be written')
    expect(refused.output()).not.toMatch(stackTrace)
    expect(await traces()).toEqual([])

    const set = (value: 0 | 1) =>
      onProvider('sysctl', '-qw', `net.ipv4.ip_forward=${value}`, `net.ipv6.conf.all.forwarding=${value}`)
    await set(1)
    const served = inContainer('run', ...offer())
    await served.line(/"listening"/)
    expect((await served.stop('SIGTERM', patientMs)).code).toBe(0)
    expect(await traces()).toEqual([])
    await set(0)
  })

  it('is undone as far as possible, the rest named and done later', async () => {
    const untouched = await switches()
    const program = await serve(provider, 7800)
    provider.program = program
    program.signal('SIGKILL')
    await program.ended
    const down = inContainer('down')
    expect((await down.ended).code).toBe(1)
    expect(down.output()).toContain('Not everything could be undone')
    expect(down.output()).toMatch(/sysctl -w net\/ipv6\/conf\/all\/forwarding=0/)
    expect(down.output()).not.toMatch(stackTrace)
    expect(await traces()).toEqual([])
    await provider.run('down')
    expect(await switches()).toBe(untouched)
  })

  it('ends in order when its terminal hangs up, and when nobody reads its log any more', async () => {
    const untouched = await switches()
    const program = await serve(provider, 7800)
    expect((await program.stop('SIGHUP', patientMs)).code).toBe(0)
    expect(await traces()).toEqual([])
    expect(await switches()).toBe(untouched)

    const run = [programPath('pontage-provider'), 'run', '--log-level', 'debug', ...offer()]
    const piped = provider.host.start(['sh', '-c', '"$@" 2>&1 | grep -m 1 listening', 'sh', ...run])
    await piped.line(/listening/)
    // It says so, and finds out that nobody listens.
    await onProvider('nft', 'flush', 'ruleset')
    await eventually('nothing is left of it', async () => (await traces()).length === 0)
    expect(await switches()).toBe(untouched)
  })
})

describe('a provider that serves', () => {
  beforeEach(nobodyServes)

  it('is heard by IPv4 and by IPv6, and offers no endpoint that nobody can reach', async () => {
    provider.program = await serve(provider, 7800)
    for (const host of [provider.host.address, provider.host.address6])
      await consumer.host.run([
        process.execPath,
        '-e',
        `require('node:tls').connect({ host: '${host}', port: 7800, rejectUnauthorized: false }, () => process.exit(0))`,
      ])
    await provider.program.stop('SIGTERM', patientMs)
    const vain = provider.start(['run', ...offer(`[${provider.host.address6}]`), '--host', '0.0.0.0'])
    expect((await vain.ended).code).toBe(1)
    expect(vain.output()).toContain('by IPv6 only, but --host 0.0.0.0 listens on IPv4 only')
  })

  it('keeps no more connections for a consumer than its memory bears', async () => {
    provider.program = await serve(provider, 7800)
    const session = await connect()
    await consumer.host.run([
      process.execPath,
      '-e',
      `const s = require('node:dgram').createSocket('udp4')
       s.on('error', () => {})
       let port = 20000
       const more = () => {
         for (let n = 0; n < 100; n++) s.send('x', port++, '${market.internet.host.address}')
         if (port < 27000) setTimeout(more, 20)
         else setTimeout(() => process.exit(0), 500)
       }
       more()`,
    ])
    const kept = Number(await onProvider('cat', '/proc/sys/net/netfilter/nf_conntrack_count'))
    expect(kept).toBeGreaterThan(1_000)
    expect(kept).toBeLessThan(5_000)
    await hangUp(session)
  })
})

/** Answers every question for a name with this address. */
const nameServer = (listensOn: string, answer: string) => `
const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (asked, { port, address }) => {
  const head = Buffer.from(asked.subarray(0, 12))
  head.writeUInt16BE(0x8180, 2); head.writeUInt16BE(1, 6); head.writeUInt32BE(0, 8)
  const end = asked.indexOf(0, 12) + 5
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ${answer.split('.').join(', ')}])
  socket.send(Buffer.concat([head, asked.subarray(12, end), record]), port, address)
}).bind(53, '${listensOn}', () => console.log('ready'))`

describe('a provider whose networks and resolver change', () => {
  beforeEach(nobodyServes)
  const onInternet = (...command: string[]) => market.internet.host.run(command)
  const reaches = async (url: string): Promise<boolean> =>
    (await consumer.host.start(['curl', '-gsS', '-m', '3', '-o', '/dev/null', url]).ended).code === 0

  /** The internet host is reached at this address, too. */
  async function alsoAt(address: string): Promise<string> {
    const bits = address.includes(':') ? 128 : 32
    const { name, device } = market.internet.host
    await applyIp([['route', 'add', `${address}/${bits}`, 'dev', `to-${name}`]])
    await onInternet(
      'ip',
      'address',
      'add',
      `${address}/${bits}`,
      'dev',
      device,
      ...(bits === 128 ? ['nodad'] : []),
    )
    return `http://${bits === 128 ? `[${address}]` : address}/address`
  }

  it('closes what is its own, follows its prefix, and asks the resolver that its machine asks', async () => {
    const [first, next] = [market.internet.host.address, '198.51.100.153'] as const
    const open = await alsoAt(next)
    const azure = await alsoAt('168.63.129.16')
    const neighbour = await alsoAt('2001:db8:77::1')
    for (const [address, answer] of [
      [first, '192.0.2.71'],
      [next, '192.0.2.72'],
    ] as const)
      await market.internet.host.start([process.execPath, '-e', nameServer(address, answer)]).line(/ready/)
    const resolvers = join(provider.host.home, 'resolv.conf')
    writeFileSync(resolvers, `nameserver ${first}\n`)
    provider.program = provider.host.start([
      ...['unshare', '--mount', 'sh', '-c', `mount --bind ${resolvers} /etc/resolv.conf && exec "$@"`, 'sh'],
      ...[programPath('pontage-provider'), 'run', ...offer()],
    ])
    await provider.program.line(/"listening"/)
    const own = `http://${provider.host.address}/address`
    await provider.host
      .start([
        process.execPath,
        '-e',
        "require('node:http').createServer((_, a) => a.end()).listen(80, '::', () => console.log('ready'))",
      ])
      .line(/ready/)
    for (const url of [open, azure, neighbour, own]) await eventually(`${url} answers`, () => reaches(url))

    const session = await connect()
    await passesAgain('connecting')
    for (const url of [open, neighbour]) await eventually(`${url} answers`, () => reaches(url))
    for (const url of [azure, own]) expect(await reaches(url), url).toBe(false)
    await onProvider('ip', 'address', 'add', '2001:db8:77::4/64', 'dev', provider.host.device, 'nodad')
    await eventually('its new prefix is closed', async () => !(await reaches(neighbour)))
    await onProvider('ip', 'address', 'delete', '2001:db8:77::4/64', 'dev', provider.host.device)
    await eventually('the prefix that it had is open', () => reaches(neighbour))

    const ask = `const { Resolver } = require('node:dns'); const r = new Resolver({ timeout: 1000, tries: 1 })
      r.setServers(['10.86.0.1']); r.resolve4('a.example', (error, found) => console.log(error ? error.code : found[0]))`
    const answered = async () => (await consumer.host.run([process.execPath, '-e', ask])).stdout.trim()
    await eventually('the first resolver is asked', async () => (await answered()) === '192.0.2.71')
    writeFileSync(resolvers, `nameserver ${next}\n`)
    await eventually('the new resolver is asked', async () => (await answered()) === '192.0.2.72')
    await hangUp(session)
  })
})
