import { applyIp, listTable } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  alteredRules,
  captureLeak,
  createMarket,
  eventually,
  type Leak,
  logged,
  logLines,
  type Market,
  machineState,
  makeNoise,
  noiseGoesOn,
  noLeak,
  openHub,
  openProvider,
  type Person,
  type Program,
  programPath,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// What leaves a consumer's machine is captured outside of it, at the other end of its only line, while a busy machine
// tries everything: IPv4, IPv6, names, neighbours. docs/security.md says what may leave in which state.

let market: Market
let consumer: Person
let providers: Awaited<ReturnType<typeof openProvider>>[]
let noise: Program

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = (price: string) => ({
    ...{ price, country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 100 },
  })
  providers = await Promise.all([
    openProvider(market, 'cheap', offer('0.05/GB')),
    openProvider(market, 'dear', offer('0.06/GB')),
  ])
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  noise = makeNoise(market, consumer.host)
})
afterAll(async () => {
  await noise.stop('SIGKILL')
  await market.destroy()
})

const leaked = (during: () => Promise<unknown>): Promise<Leak> =>
  captureLeak(
    market,
    consumer.host,
    providers.map(({ host }) => host),
    during,
  )

const total = ({ ipv4, ipv6 }: Leak): number => ipv4 + ipv6

const machine = () => machineState(consumer.host)

/** Starts to connect; what leaves counts from the moment the kill switch stands. */
const connect = (...args: readonly string[]): Promise<Program> => connectWith({}, ...args)

async function connectWith(
  options: { readonly env?: NodeJS.ProcessEnv },
  ...args: readonly string[]
): Promise<Program> {
  const command = [programPath('pontage'), 'connect', '--json', '--retry-for', '60', ...args]
  const program = endAfterFailure(consumer, consumer.host.start(command, options))
  const stands = ['nft', 'list', 'table', 'inet', 'pontage_consumer']
  await eventually(
    'the kill switch stands',
    () => {
      if (!program.running) throw new Error(`It ended:\n${program.output()}`)
      return consumer.host.run(stands).then(
        () => true,
        () => false,
      )
    },
    90_000,
  )
  return program
}

const times = (program: Program, event: string): number =>
  logLines(program, (line) => line.event === event).length

/** Waits until an event was told once more than `before` times. */
const once = (program: Program, event: string, before: number) =>
  program.when(() => times(program, event) > before, `another "${event}"`, 90_000)

/** Ends the consumer's wireguard-go, as a crash would. */
const killWireguard = () =>
  consumer.host.run([
    'bash',
    '-c',
    'for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true',
  ])

const whoAmI = async (): Promise<string> =>
  (await consumer.host.run(['curl', '-sS', '--max-time', '20', market.internet.addressUrl])).stdout.trim()

/** Moves the machine to another network: new address, the route anew. */
async function moveTo(address: string, from: string): Promise<void> {
  const { device, netns } = consumer.host
  await applyIp([['route', 'add', `${address}/32`, 'dev', 'to-consumer']])
  await applyIp(
    [
      ['route', 'delete', 'default', 'dev', device],
      ['address', 'delete', `${from}/32`, 'dev', device],
      ['address', 'add', `${address}/32`, 'dev', device],
      ['route', 'replace', '192.0.2.1', 'dev', device],
      ['route', 'add', 'default', 'via', '192.0.2.1', 'dev', device],
    ],
    { netns },
  )
  await applyIp([['route', 'delete', `${from}/32`, 'dev', 'to-consumer']])
}

const provider = (index: number) => {
  const found = providers[index]
  if (!found) throw new Error(`There is no provider ${index}.`)
  return found
}

describe('whoever is connected', () => {
  let program: Program
  let before: string

  it('leaks nothing from the first packet of the tunnel on', async () => {
    const open = await leaked(() => noiseGoesOn(noise))
    expect(Math.min(open.ipv4, open.ipv6, open.names), 'the noise is heard').toBeGreaterThan(0)
    before = await machine()
    program = await connect()
    expect(await leaked(() => once(program, 'connected', 0))).toEqual(noLeak)
    expect(await leaked(() => noiseGoesOn(noise))).toEqual(noLeak)
    expect(await whoAmI()).toBe(provider(0).host.address)
  })

  it('leaks nothing while the payment socket is lost and found', async () => {
    const { host } = provider(0)
    const broken = async () => {
      await host.firewall(
        'table inet broken {\nchain inside {\ntype filter hook input priority -5\niifname "pont*" meta l4proto tcp drop\n}\n}',
      )
      await once(program, 'reconnected', 0)
      await host.firewall('delete table inet broken')
    }
    expect(await leaked(broken)).toEqual(noLeak)
  })

  it('leaks nothing when it moves to another network and back, and stays connected', async () => {
    const home = consumer.host.address
    const moved = async () => {
      await moveTo('203.0.113.200', home)
      expect(await whoAmI()).toBe(provider(0).host.address)
      await moveTo(home, '203.0.113.200')
      expect(await whoAmI()).toBe(provider(0).host.address)
    }
    expect(await leaked(moved)).toEqual(noLeak)
    expect(times(program, 'failed-over')).toBe(0)
  })

  it('leaks nothing while it is suspended because it does not pay', async () => {
    const suspended = async () => {
      program.signal('SIGSTOP')
      const download = consumer.host.start([
        ...['curl', '-s', '-m', '20', '-o', '/dev/null', market.internet.fileUrl(50_000_000)],
      ])
      await logged(provider(0).program, 'suspended', {}, 60_000)
      await noiseGoesOn(noise)
      await download.stop('SIGKILL')
      program.signal('SIGCONT')
    }
    expect(await leaked(suspended)).toEqual(noLeak)
    expect(await leaked(whoAmI)).toEqual(noLeak)
  })

  it('leaks nothing when wireguard-go dies, until there is another tunnel', async () => {
    const died = async () => {
      const seen = times(program, 'connected')
      await killWireguard()
      await once(program, 'connected', seen)
    }
    expect(await leaked(died)).toEqual(noLeak)
  })

  it('leaks nothing when its provider is killed, while it changes over to the other one, and to the end', async () => {
    const failed = async () => {
      const seen = times(program, 'connected')
      const served = (await consumer.json<{ provider: string }>('status')).provider
      const serving = providers.find(({ address }) => address === served) ?? provider(1)
      serving.program.signal('SIGKILL')
      await once(program, 'connected', seen)
      expect(await whoAmI()).toBe(providers.find((each) => each !== serving)?.host.address)
    }
    expect(await leaked(failed)).toEqual(noLeak)
    expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
    expect(await machine()).toBe(before)
  })

  it('leaks nothing when the program is killed, and disconnect restores the machine', async () => {
    program = await connect('--cap', '50MB')
    await once(program, 'connected', 0)
    const killed = async () => {
      await program.stop('SIGKILL')
      await noiseGoesOn(noise)
    }
    expect(await leaked(killed)).toEqual(noLeak)
    expect(await consumer.json('status')).toMatchObject({ state: 'crashed', killSwitch: true })
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
  })

  it('leaks nothing after the cap, until disconnect', async () => {
    program = await connect('--cap', '5MB')
    const capped = async () => {
      await once(program, 'connected', 0)
      const download = consumer.host.start([
        ...['curl', '-s', '-m', '20', '-o', '/dev/null', market.internet.fileUrl(20_000_000)],
      ])
      expect((await program.ended).code).toBe(0)
      await noiseGoesOn(noise)
      await download.stop('SIGKILL')
    }
    expect(await leaked(capped)).toEqual(noLeak)
    const ended = await logged(program, 'ended')
    expect(ended.reason).toBe('cap')
    const used = Number(ended.downBytes) + Number(ended.upBytes)
    expect(used).toBeLessThanOrEqual(5_000_000)
    expect(used).toBeGreaterThan(4_900_000)
    await expect(consumer.run('connect')).rejects.toThrow(/left the kill switch on/)
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
  })

  // A program that is killed leaves the tunnel and its routes: what is asked for goes on through it, guard or not.
  it('would leak while it connects and while it changes over without the guard', async () => {
    // What loads the rules takes their teeth out: they stand as they were loaded, so nothing puts others in their place.
    const env = await alteredRules(
      consumer.host,
      's/policy drop/policy accept/; s/reject with.*/continue/; s/ drop$/ continue/',
    )
    try {
      program = await connectWith({ env })
      const connected = async () => {
        await once(program, 'connected', 0)
        await noiseGoesOn(noise)
      }
      expect(total(await leaked(connected))).toBeGreaterThan(0)
      const died = async () => {
        const seen = times(program, 'failed-over')
        await killWireguard()
        await once(program, 'failed-over', seen)
        await noiseGoesOn(noise)
      }
      expect(total(await leaked(died))).toBeGreaterThan(0)
    } finally {
      await program.stop('SIGKILL')
    }
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
  })
})

describe('whoever has a local network', () => {
  const printer = '192.168.7.1'
  const reaches = () =>
    consumer.host.run(['curl', '-s', '-m', '3', `http://${printer}/address`]).then(
      ({ stdout }) => stdout.trim() !== '',
      () => false,
    )

  it('talks to it where that was asked for, and never about names', async () => {
    const { internet } = market
    await applyIp([
      ...[['link', 'add', 'lan0', 'netns', consumer.host.netns, 'type', 'veth', 'peer', 'name', 'lan1']],
      ['link', 'set', 'dev', 'lan1', 'netns', internet.host.netns],
    ])
    for (const [device, address, netns] of [
      ['lan0', '192.168.7.2', consumer.host.netns],
      ['lan1', printer, internet.host.netns],
    ] as const)
      await applyIp(
        [
          ['address', 'add', `${address}/24`, 'dev', device],
          ['link', 'set', 'dev', device, 'up'],
        ],
        { netns },
      )
    await internet.host.firewall(`table inet names {
      counter asked { }
      chain input {
        type filter hook input priority 0
        iifname "lan1" meta l4proto { tcp, udp } th dport { 53, 853 } counter name asked
      }
    }`)
    expect(await reaches()).toBe(true)
    for (const [allowed, ...args] of [[false], [true, '--allow-lan']] as const) {
      const program = await connect(...args)
      await once(program, 'connected', 0)
      expect(await reaches()).toBe(allowed)
      for (const port of [53, 853])
        await consumer.host.run(['bash', '-c', `echo x > /dev/udp/${printer}/${port} || true`])
      expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
    }
    const names = await listTable('inet', 'names', { netns: internet.host.netns })
    expect(names?.counters.get('asked')?.packets).toBe(0n)
  })
})
