import { type Address, address } from '@pontage/shared'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { endAfterFailure } from '../e2e/endAfterFailure.js'
import {
  createMarket,
  eventually,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

// What a provider's owner sees and changes while consumers are connected.

const beneficiary: Address = address(`0x${'b3'.repeat(20)}`)
const metricsPort = '9464'
let market: Market
let hub: Person
let provider: Person & { program: Program }
let consumer: Person
let other: Person

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '50' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], beneficiary, megabits: 80 },
    flags: ['--metrics-port', metricsPort],
  })
  consumer = await seatConsumer(market, 'consumer', '20')
  other = await seatConsumer(market, 'other', '20')
  for (const person of [consumer, other])
    await person.run('channel', 'open', '--hub', hub.address, '--amount', '10')
})
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(() => market.destroy())

interface Shown {
  readonly sessions: readonly {
    readonly session: string
    readonly consumer: string
    readonly address: string
    readonly downBytes: string
    readonly upBytes: string
    readonly promised: string
  }[]
}

interface Leaving {
  readonly unbondsAt: number
  readonly done: boolean
}

/** Demands that all that was ever promised, less the hub's fee, is with the beneficiary. */
async function expectAllPaid(): Promise<void> {
  const { hubs } = await provider.json<{ hubs: { promised: string }[] }>('status')
  const promised = hubs.reduce((sum, hub) => sum + BigInt(hub.promised), 0n)
  expect(promised).toBeGreaterThan(0n)
  expect(await market.chain.token.balanceOf(beneficiary)).toBe((promised * 98n) / 100n)
}

/** Starts the provider anew. */
async function serve(...flags: readonly string[]): Promise<void> {
  if (provider.program.running) expect((await provider.program.stop('SIGTERM', 20_000)).code).toBe(0)
  provider.program = provider.start([
    ...['run', '--endpoint', `${provider.host.address}:7800`, '--price', '20/GB', '--country', 'DE'],
    ...['--hub', hub.address, ...flags],
  ])
  await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
}

/** Demands that the consumer is told this code, and this sentence, and not connected. */
async function expectRefused(code: string, sentence: RegExp): Promise<void> {
  const program = consumer.start(['connect', '--json'])
  expect((await program.ended).code).toBe(1)
  expect(await logged(program, 'refused')).toMatchObject({ provider: provider.address, code })
  expect(program.lines('stderr').join('\n')).toMatch(sentence)
}

/** Everything that the provider's machine keeps for a session: rules, peer, routes. */
async function keptFor(tunnelAddress: string): Promise<string[]> {
  const links = (await provider.host.run(['ip', '-brief', 'link'])).stdout
  const tunnel = /^(pont\w+)/m.exec(links)?.[1] ?? ''
  const said = await Promise.all(
    [
      ['nft', 'list', 'ruleset'],
      ['wg', 'show', tunnel, 'allowed-ips'],
      ['ip', 'route'],
    ].map(async (command) => (await provider.host.run(command)).stdout),
  )
  return said.flatMap((text) => text.split('\n').filter((line) => line.includes(`${tunnelAddress}`)))
}

async function connect(person: Person = consumer, ...flags: readonly string[]): Promise<Program> {
  const program = endAfterFailure(person, person.start(['connect', '--json', ...flags]))
  await logged(program, 'connected', {}, 60_000)
  return program
}

const download = async (size: number, seconds = 60): Promise<void> => {
  const { code } = await consumer.host.start([
    ...['curl', '-sS', '--fail', '--max-time', String(seconds), '-o', '/dev/null'],
    market.internet.fileUrl(size),
  ]).ended
  expect(code).toBe(0)
}

const sessionOf = async ({ address }: Person) => {
  const { sessions } = await provider.json<Shown>('sessions')
  const found = sessions.find((each) => each.consumer === address)
  if (found === undefined) throw new Error('That consumer has no session.')
  return found
}

const hangUp = async (session: Program) => {
  session.signal('SIGINT')
  expect((await session.ended).code).toBe(0)
}

/** Bytes that the tunnel's classes let through, and what they held back at all. */
const classes = async () => {
  const links = (await provider.host.run(['ip', '-brief', 'link'])).stdout
  const tunnel = /^(pont\w+)/m.exec(links)?.[1] ?? ''
  return (await provider.host.run(['tc', '-s', 'class', 'show', 'dev', tunnel])).stdout
}

const metrics = async () =>
  (await provider.host.run(['curl', '-sS', '--fail', `http://127.0.0.1:${metricsPort}/metrics`])).stdout

const escaped = (name: string) => name.replace(/[{}"]/g, '\\$&')

/** One figure of the page of metrics. */
const metric = async (name: string) =>
  Number(new RegExp(`^pontage_provider_${escaped(name)} (\\S+)$`, 'm').exec(await metrics())?.[1])

/** What `doctor` finds, whether well or not, by check. */
async function doctor(): Promise<Record<string, string>> {
  // It asks the provider that runs, and is told nothing again.
  const program = provider.start(['doctor', '--json'])
  await program.ended
  const { checks } = JSON.parse(program.lines().at(-1) ?? '{}') as {
    checks: { check: string; ok: boolean; says: string }[]
  }
  return Object.fromEntries(checks.map(({ check, ok, says }) => [check, `${ok ? 'ok' : 'not ok'}: ${says}`]))
}

describe('the owner of a provider', () => {
  it('hears from doctor that all is well, and when nobody outside reaches the endpoint', async () => {
    const checks = await eventually(
      'the hub has read the offer',
      async () => {
        const found = await doctor()
        return !found.reach?.includes('Not tried') && found
      },
      60_000,
    )
    expect(Object.values(checks).filter((says) => !says.startsWith('ok'))).toEqual([])
    expect(checks.reach).toContain(`hub ${hub.address} reached`)
    await provider.host.firewall(
      'table inet closed {\n chain input {\n type filter hook input priority -10\n tcp dport 7800 drop\n }\n }',
    )
    const closed = await eventually(
      'the hub tried again',
      async () => {
        const { reach } = await doctor()
        return reach?.includes('no answer within') && reach
      },
      60_000,
    )
    await provider.host.firewall('delete table inet closed')
    expect(closed).toContain('Unreachable from outside')
    expect(closed).toContain('Forward TCP 7800 and UDP 51820')
    // Payments could be made, but there would be no tunnel to pay for.
    await provider.host.firewall(
      'table inet closed {\n chain input {\n type filter hook input priority -10\n udp dport 51820 drop\n }\n }',
    )
    const silent = await eventually(
      'the hub tried again',
      async () => {
        const { reach } = await doctor()
        return reach?.includes('UDP 51820 of') && reach
      },
      60_000,
    )
    expect(silent).toMatch(/No answer from WireGuard on UDP 51820 of \S+ to the hub: no answer within 3 s/)
    const begun = Date.now()
    const vain = consumer.start(['connect', '--json'])
    const { message } = await logged(vain, 'refused', { provider: provider.address })
    expect(message).toMatch(/^No answer on UDP 51820 of /)
    expect((await vain.ended).code).toBe(1)
    console.log(`no answer on UDP was said after ${Date.now() - begun} ms`)
    await provider.host.firewall('delete table inet closed')
  })

  it('sees who is connected and how much was used, and ends a session', async () => {
    expect((await provider.json<Shown>('sessions')).sessions).toEqual([])
    const session = await connect()
    await download(2_000_000)
    // The provider reads what WireGuard counted from time to time.
    const shown = await eventually('payment and traffic were seen', async () => {
      const [first] = (await provider.json<Shown>('sessions')).sessions
      return first && BigInt(first.promised) > 0n && Number(first.downBytes) > 2_000_000 && first
    })
    expect(shown.consumer).toBe(consumer.address)
    expect(await metric('sessions')).toBe(1)
    expect(await metric('traffic_bytes_total{direction="down"}')).toBeGreaterThan(2_000_000)
    expect(await metric('gas_coins')).toBeGreaterThan(0)
    await provider.run('kick', consumer.address)
    await logged(provider.program, 'session ended', { session: shown.session, reason: 'kicked' })
    expect(await metric('sessions_ended_total{reason="kicked"}')).toBe(1)
    expect(await metric('traffic_bytes_total{direction="down"}')).toBeGreaterThan(2_000_000)
    // It may be connected again already: nobody said that it is not welcome.
    await session.stop('SIGKILL')
    await consumer.run('disconnect')
  })

  it('limits speed while somebody downloads, and lets go again', async () => {
    const session = await connect()
    expect(await classes()).toBe('')
    await provider.run('limit', '--total', '50Mbit', '--session', '8Mbit')
    await download(1_000_000)
    const limited = await classes()
    // The class of this session, at its ceiling, has carried the download.
    const [, sent] = /ceil 8Mbit[\s\S]*?Sent (\d+) bytes/.exec(limited) ?? []
    expect(Number(sent)).toBeGreaterThan(1_000_000)
    expect(limited).toContain('ceil 50Mbit')
    await provider.run('limit', '--session', '4Mbit')
    const changed = await classes()
    expect(changed).toContain('ceil 4Mbit')
    expect(changed).not.toContain('ceil 8Mbit')
    await download(500_000)
    const limits = await provider.json('limit', '--total', 'none', '--session', 'none')
    expect(limits).toEqual({ total: 'none', session: 'none' })
    expect(await classes()).toBe('')
    await download(1_000_000)
    await hangUp(session)
  })

  it('keeps a session whose consumer counts large packets where the provider counts each', async () => {
    // From here on the server sends each segment by itself; the consumer's WireGuard still puts them together.
    await market.internet.host.run(['ip', 'link', 'set', 'dev', 'eth0', 'gso_max_segs', '1'])
    const session = await connect()
    await download(60_000_000, 90)
    const { sessions } = await provider.json<Shown>('sessions')
    expect(sessions).toHaveLength(1)
    await hangUp(session)
    expect(session.output()).not.toContain('counts')
  })

  it('serves whom the policy admits, and tells the others why not', async () => {
    await serve('--deny', consumer.address)
    await expectRefused('not-admitted', new RegExp(`does not serve ${consumer.address}`))
    await serve('--min-stake', '5', '--min-age', '30d')
    await expectRefused('stake-too-low', /but this provider requires 5 PTT/)
    await market.fund(consumer.address, { coin: '1' })
    await consumer.run('stake', 'add', '4')
    await expectRefused('too-young', /s ago, but this provider requires 2592000 s/)
    await serve('--min-stake', '5', '--min-age', '1h', '--allow', other.address)
    await expectRefused('not-admitted', /Choose another provider/)
    const mild = ['--min-stake', '1', '--min-age', '0h', '--allow', other.address]
    await serve(...mild, '--allow', consumer.address, '--grace', '6', '--gone-after', '30')
    const session = await connect()
    await download(1_000_000)
    await hangUp(session)
  })

  it('keeps nothing of a consumer that vanishes but its promises', async () => {
    // One whose payments run beside its tunnel: the tunnel goes silent, the socket stays.
    const beside = await connect(other, '--netns', 'apps')
    const silent = (await sessionOf(other)).session
    await other.host.firewall(
      'table inet cut {\n chain out {\n type filter hook output priority -300\n udp dport 51820 drop\n }\n }',
    )
    // One that is killed, and one whose line is cut: nobody says goodbye.
    for (const vanish of [
      async (session: Program) => void (await session.stop('SIGKILL')),
      () =>
        consumer.host.firewall(
          `table inet cut {
             chain out {\n type filter hook output priority -300\n oifname != "lo" drop\n }
             chain in {\n type filter hook prerouting priority -300\n iifname != "lo" drop\n }
           }`,
        ),
    ]) {
      const session = await connect()
      await download(2_000_000)
      const shown = await eventually('the payment was seen', async () => {
        const found = await sessionOf(consumer)
        return BigInt(found.promised) > 0n && found
      })
      expect(await keptFor(shown.address)).not.toEqual([])
      await vanish(session)
      await logged(
        provider.program,
        'session ended',
        { session: shown.session, reason: 'session-abandoned' },
        90_000,
      )
      await eventually(
        'nothing is kept for it',
        async () => (await keptFor(shown.address)).length === 0,
        30_000,
      )
      if (session.running) await session.stop('SIGKILL')
      await consumer.run('disconnect')
    }
    await consumer.host.firewall('delete table inet cut')
    await logged(provider.program, 'a consumer is gone', { session: silent }, 120_000)
    await logged(provider.program, 'session ended', { session: silent, reason: 'session-abandoned' })
    await other.host.firewall('delete table inet cut')
    // It may be connected again, and goes in order.
    await beside.stop('SIGINT', 30_000)
    await eventually(
      'nobody is connected',
      async () => (await provider.json<Shown>('sessions')).sessions.length === 0,
      60_000,
    )
    await eventually(
      'all promises are cleared',
      async () => {
        const { hubs } = await provider.json<{ hubs: { promised: string; cleared: string }[] }>('status')
        return hubs.every(({ promised, cleared }) => promised === cleared && BigInt(promised) > 0n)
      },
      60_000,
    )
  })

  it('retires while somebody is connected, who is served until told that it is over', async () => {
    const session = await connect()
    const waiting = provider.start(['retire'])
    await waiting.line(/still serves 1 session/, { timeoutMs: 60_000 })
    expect(await provider.run('offer')).toMatch(/There is no offer on chain/)
    // Breaking off changes nothing: it is on its way out, and serves who is there.
    waiting.signal('SIGKILL')
    await download(2_000_000)
    const leaving = await provider.json<Leaving>('retire', '--now')
    expect((await provider.program.ended).code).toBe(0)
    expect(leaving.unbondsAt).toBeGreaterThan(0)
    await expectAllPaid()
    await session.line(/provider-stopping|provider is stopping|shutting down/i, { timeoutMs: 60_000 })
    await session.stop('SIGKILL')
    await consumer.run('disconnect')
  })

  it('changes his mind, and retires again: killed in the midst it is carried on', async () => {
    await provider.run('retire', '--cancel')
    await provider.run('stake', 'cancel')
    await provider.run('register', '--stake', '1', '--beneficiary', beneficiary)
    await serve()
    const session = await connect()
    await download(2_000_000)
    const waiting = provider.start(['retire', '--json'])
    await logged(provider.program, 'retiring', { sessions: 1 }, 60_000)
    provider.program.signal('SIGKILL')
    const leaving = JSON.parse(await waiting.succeeded({ timeoutMs: 90_000 })) as Leaving
    expect(leaving.unbondsAt).toBeGreaterThan(0)
    await expectAllPaid()
    expect((await provider.host.run(['nft', 'list', 'ruleset'])).stdout).not.toContain('pontage')
    await session.stop('SIGKILL')
    await consumer.run('disconnect')
  })
})
