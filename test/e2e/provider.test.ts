import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Address, address } from '@pontage/shared'
import { applyIp } from '@pontage/shared/node'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  createMarket,
  enrolHub,
  eventually,
  type Host,
  logged,
  type Market,
  openProvider,
  type Person,
  type Program,
  programPath,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// A provider with a network of its own behind it, looked at from inside a tunnel; and the same provider when its
// machine, its daemon or its hub fails.

type Running = Person & { program: Program }

const beneficiary: Address = address(`0x${'b2'.repeat(20)}`)
/** Short, so that a test lives to see a guarantee end. */
const guaranteeSeconds = 40
const ownPort = '8080'
const metricsPort = '9464'
/** Asked for by nobody else in this world. */
const visited = 'only-visited-4f1c9.example'
const lan = { provider: '192.168.5.1', neighbour: '192.168.5.2', neighbour6: '2001:db8:77::2' }
let market: Market
let hub: Running
let provider: Running
let consumer: Person
let other: Person
let nameServer: Program
let neighbour: Host
let untouched: string

beforeAll(async () => {
  market = await createMarket()
  const enrolled = await enrolHub(market, 'hub')
  await enrolled.run('pool', 'fund', '100')
  const program = enrolled.start(['run', '--port', '7700', '--guarantee-seconds', String(guaranteeSeconds)])
  await program.line(/"listening"/)
  hub = { ...enrolled, program }
  neighbour = await market.world.addHost('neighbour')
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], beneficiary, megabits: 80 },
    ...{ redeemAbove: '0.01', clearEvery: 4 },
  })
  await provider.program.stop()
  await joinNetworks()
  untouched = await machineState()
  provider.program = await serveAgain()
  consumer = await seatConsumer(market, 'consumer', '20')
  other = await seatConsumer(market, 'other', '20')
  for (const person of [consumer, other])
    await person.run('channel', 'open', '--hub', hub.address, '--amount', '10')
  nameServer = await answerNames(neighbour)
  await Promise.all(
    [
      { host: neighbour, port: ownPort },
      { host: provider.host, port: ownPort },
      { host: other.host, port: ownPort },
      { host: market.internet.host, port: '25' },
    ].map(({ host, port }) => greetOn(host, port)),
  )
})
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(() => market.destroy())

/** Gives the provider a second network with one machine in it, IPv6 with global addresses. */
async function joinNetworks(): Promise<void> {
  await applyIp(
    [
      ['link', 'add', 'dev', 'lan0', 'type', 'veth', 'peer', 'name', 'lan0', 'netns', neighbour.netns],
      ['address', 'add', `${lan.provider}/24`, 'dev', 'lan0'],
      ['address', 'add', '2001:db8:77::1/64', 'dev', 'lan0', 'nodad'],
      ['link', 'set', 'dev', 'lan0', 'up'],
    ],
    { netns: provider.host.netns },
  )
  await applyIp(
    [
      ['address', 'add', `${lan.neighbour}/24`, 'dev', 'lan0'],
      ['address', 'add', `${lan.neighbour6}/64`, 'dev', 'lan0', 'nodad'],
      ['link', 'set', 'dev', 'lan0', 'up'],
    ],
    { netns: neighbour.netns },
  )
}

/** Answers whoever connects with a word. */
async function greetOn(host: Host, port: string): Promise<void> {
  const server = host.start([
    process.execPath,
    '-e',
    `require('node:net').createServer((s) => s.end('hello\\n')).listen(${port}, '::', () => console.log('up'))`,
  ])
  await server.line(/up/)
}

/** A name server that knows nothing, and says which names it was asked for. */
async function answerNames(host: Host): Promise<Program> {
  const server = host.start([
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('udp4')
     s.on('message', (m, from) => {
       console.log('asked ' + m.toString('latin1').replace(/[^a-z0-9.-]/g, '.'))
       m[2] |= 0x80
       s.send(m, from.port, from.address)
     })
     s.bind(53, () => console.log('up'))`,
  ])
  await server.line(/up/)
  return server
}

/** Whether a name server there answers a question from the consumer's machine. */
async function answers(server: string): Promise<boolean> {
  const labels = visited
    .split('.')
    .map((label) => String.fromCharCode(label.length) + label)
    .join('')
  const question = Buffer.from(
    `\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00${labels}\x00\x00\x01\x00\x01`,
  )
  const attempt = consumer.host.start([
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('udp4')
     s.on('message', () => process.exit(0)); s.on('error', () => process.exit(1))
     s.send(Buffer.from('${question.toString('hex')}', 'hex'), 53, '${server}')
     setTimeout(() => process.exit(1), 4000)`,
  ])
  return (await attempt.ended).code === 0
}

/** A consumer that has taken away what its own program does to questions for names. */
const askFreely = (): Promise<void> =>
  consumer.host.firewall(
    'flush chain inet pontage_consumer names\ninsert rule inet pontage_consumer output udp dport 53 accept',
  )

/** What programs would put right at once, they do not while they are stopped; their tunnels go on. */
async function whileStopped<Result>(
  programs: readonly Program[],
  act: () => Promise<Result>,
): Promise<Result> {
  for (const program of programs) program.signal('SIGSTOP')
  try {
    return await act()
  } finally {
    for (const program of programs) program.signal('SIGCONT')
  }
}

/** Whether somebody at the consumer's machine hears a greeting from there. */
async function reaches(host: string, port: string): Promise<boolean> {
  const attempt = consumer.host.start([
    process.execPath,
    '-e',
    `const s = require('node:net').connect(${port}, '${host}')
     s.setTimeout(1500, () => process.exit(1)); s.on('error', () => process.exit(1))
     s.on('data', () => process.exit(0))`,
  ])
  return (await attempt.ended).code === 0
}

/** Everything of the provider's machine that serving changes. */
async function machineState(): Promise<string> {
  const parts = await Promise.all(
    [
      ['nft', 'list', 'ruleset'],
      ['ip', '-brief', 'link'],
      ['ip', 'route'],
      ['ip', '-6', 'route'],
      ['sh', '-c', 'grep -r . /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv4/ip_forward'],
      ['sh', '-c', 'grep -r . /proc/sys/net/ipv6/conf/*/forwarding /proc/sys/net/ipv6/conf/*/accept_ra'],
    ].map(async (command) => (await provider.host.run(command)).stdout),
  )
  return parts.join('\n')
}

async function serveAgain(): Promise<Program> {
  const program = provider.start([
    ...['run', '--auto-redeem', '--endpoint', `${provider.host.address}:7800`, '--price', '20/GB'],
    ...['--country', 'DE', '--hub', hub.address, '--redeem-above', '0.01', '--clear-every', '4'],
    ...['--resolver', lan.neighbour, '--metrics-port', metricsPort, '--log-level', 'debug'],
  ])
  await program.line(/"listening"/)
  return program
}

async function connect(person: Person = consumer): Promise<Program> {
  const program = endAfterFailure(person, person.start(['connect', '--json']))
  await logged(program, 'connected', {}, 60_000)
  return program
}

const download = (size: number, seconds = 30) =>
  consumer.host.start([
    ...['curl', '-sS', '--fail', '--max-time', String(seconds), '-o', '/dev/null'],
    market.internet.fileUrl(size),
  ]).ended

const hangUp = async (session: Program) => {
  session.signal('SIGINT')
  expect((await session.ended).code).toBe(0)
}

describe('from inside a tunnel', () => {
  const closed = [
    ['the machine next to the provider', lan.neighbour, ownPort],
    ['the same by its global IPv6 address', lan.neighbour6, ownPort],
    ['a service on the inner address of the provider', lan.provider, ownPort],
    ['a service on the gateway', '10.86.0.1', ownPort],
    ['a service on the gateway by IPv6', 'fd50:6f6e:7467::1', ownPort],
    ['mail', '', '25'],
  ] as const
  const scan = async () => {
    const open: string[] = []
    for (const [what, host, port] of closed)
      if (await reaches(host || market.internet.host.address, port)) open.push(what)
    if (await answers(lan.neighbour)) open.push(direct)
    for (const address of await addressesOf(other))
      if (await reaches(address, ownPort)) open.push(`another consumer at ${address}`)
    return open
  }
  const direct = 'the owner’s name server, asked past the gateway'
  /** Inside the tunnel, as its own machine has them. */
  const addressesOf = async (person: Person) => {
    const { stdout } = await person.host.run(['ip', '-json', 'address', 'show', 'type', 'tun'])
    const links = JSON.parse(stdout) as { addr_info: { local: string; scope: string }[] }[]
    return links.flatMap(({ addr_info }) =>
      addr_info.filter(({ scope }) => scope === 'global').map(({ local }) => local),
    )
  }

  it('nothing of the provider or its neighbours can be reached, and no mail sent; the internet can', async () => {
    const sessions = [await connect(), await connect(other)]
    expect(await addressesOf(other)).toHaveLength(2)
    const open = await whileStopped(sessions, async () => {
      await askFreely()
      return scan()
    })
    expect(open).toEqual([])
    expect((await download(100_000)).code).toBe(0)
    for (const session of sessions) await hangUp(session)
  })

  it('names are answered at the gateway, by the resolver that its owner chose', async () => {
    const session = await connect()
    expect(await answers('10.86.0.1')).toBe(true)
    await nameServer.line(new RegExp(visited.split('.')[0] ?? ''))
    await hangUp(session)
  })

  it('all of it could be reached without the rules', async () => {
    const sessions = [await connect(), await connect(other)]
    const others = await addressesOf(other)
    const open = await whileStopped([...sessions, provider.program], async () => {
      await askFreely()
      const tables = (await provider.host.run(['nft', 'list', 'tables'])).stdout
      const table = /table inet (\w+)/.exec(tables)?.[1] ?? ''
      await provider.host.firewall(
        ['filtering', 'entering', 'leaving']
          .map((chain) => `insert rule inet ${table} ${chain} accept`)
          .join('\n'),
      )
      // Another consumer lets nothing in that it did not ask for, either.
      await other.host.firewall('insert rule inet pontage_consumer download accept')
      // The provider lets nothing forward but the way out; a machine that is a router already does.
      const forward = (on: 0 | 1) =>
        provider.host.run(['sysctl', '-qw', `net.ipv4.conf.lan0.forwarding=${on}`])
      await forward(1)
      const found = await scan()
      await forward(0)
      return found
    })
    for (const session of sessions) await hangUp(session)
    expect(open).toEqual([
      ...closed.map(([what]) => what),
      direct,
      ...others.map((address) => `another consumer at ${address}`),
    ])
  })

  it('leaves no trace of where a consumer went in any file, log, metric or answer of the provider', async () => {
    const metrics = ['curl', '-sS', '--fail', `http://127.0.0.1:${metricsPort}/metrics`]
    const told = [
      (await provider.host.run(metrics)).stdout,
      await provider.run('status', '--json'),
      await provider.run('sessions', '--json'),
    ].join()
    expect(told).toContain('pontage_provider_traffic_bytes_total')
    for (const destination of [market.internet.host.address, visited.split('.')[0] ?? '']) {
      expect(told).not.toContain(destination)
      const { stdout } = await provider.host.run([
        'sh',
        '-c',
        `grep -ralF '${destination}' ${provider.host.home} || true`,
      ])
      expect(stdout).toBe('')
    }
  })
})

describe('a provider', () => {
  it('puts the machine back as it was when it is told to stop', async () => {
    expect((await provider.program.stop('SIGTERM', 20_000)).code).toBe(0)
    expect(await machineState()).toBe(untouched)
  })

  it('sends a packet of its own through, however long a program takes to start there', async () => {
    const slow = join(market.world.folder, 'slow.mjs')
    const pause = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 8_000)'
    writeFileSync(slow, `if (process.execArgv.includes('-e')) ${pause}`)
    const doctor = provider.host.start(
      [
        ...[programPath('pontage-provider'), 'doctor', '--json', '--country', 'DE', '--hub', hub.address],
        ...['--endpoint', `${provider.host.address}:7800`, '--price', '20/GB', '--resolver', lan.neighbour],
      ],
      { env: { NODE_OPTIONS: `--import=${slow}` } },
    )
    await doctor.ended
    const { checks } = JSON.parse(doctor.lines().at(-1) ?? '{}') as { checks: { check: string }[] }
    expect(checks.find(({ check }) => check === 'way')).toMatchObject({ ok: true })
    expect(await machineState()).toBe(untouched)
  })

  it('that is killed gives no more than the credit away, and `down` puts the machine back', async () => {
    provider.program = await serveAgain()
    const session = await connect()
    expect((await download(3_000_000)).code).toBe(0)
    provider.program.signal('SIGKILL')
    await provider.program.ended
    expect((await download(10_000_000, 5)).code).not.toBe(0)
    const { stdout } = await provider.host.run(['nft', '-j', 'list', 'counters'])
    const counters = (JSON.parse(stdout) as { nftables: { counter?: { name: string; bytes: number } }[] })
      .nftables
    const passed = counters
      .flatMap(({ counter }) => (counter && /^(up|down)_/.test(counter.name) ? [counter.bytes] : []))
      .reduce((sum, each) => sum + each, 0)
    // Three megabytes were paid, a fourth had begun, two are the credit.
    expect(passed).toBeLessThanOrEqual(6_000_000)
    expect(passed).toBeGreaterThan(3_000_000)
    await provider.run('down')
    expect(await machineState()).toBe(untouched)
    await session.stop('SIGKILL')
    await consumer.run('disconnect')
  })

  it('clears after a crash what was promised before it', async () => {
    provider.program = await serveAgain()
    await logged(provider.program, 'cleared', { hub: hub.address })
  })

  it('draws by itself when its hub is gone for good, and loses nothing but the hub’s fee', async () => {
    const session = await connect()
    expect((await download(2_000_000)).code).toBe(0)
    hub.program.signal('SIGKILL')
    await hub.program.ended
    expect((await download(3_000_000)).code).toBe(0)
    await logged(provider.program, 'drew', { hub: hub.address }, 60_000)
    await hangUp(session)
    const promisedBy = async (person: Person) => {
      const { channels } = await person.json<{ channels: { promised: { amount: string }[] }[] }>(
        ...(['channel', 'status'] as const),
      )
      return BigInt(channels[0]?.promised[0]?.amount ?? 0)
    }
    const afterFee = (amount: bigint) => amount - (amount * 2n) / 100n
    const promised = await promisedBy(consumer)
    expect(promised).toBeGreaterThan(0n)
    const due = afterFee(promised) + afterFee(await promisedBy(other))
    await eventually(
      'everything promised was paid to the beneficiary',
      async () => (await market.chain.token.balanceOf(beneficiary)) === due,
      60_000,
    )
  })
})
