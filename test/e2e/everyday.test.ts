import { readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { applyIp } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  type Market,
  machineState,
  openHub,
  openProvider,
  type Person,
  programPath,
  seatConsumer,
} from '../world/index.js'

// What a consumer does every day besides looking at a terminal: in the background, for one program alone, after a crash.

interface Status {
  readonly state: string
  readonly live: { readonly sessions: number; readonly spentWei: string } | null
}

let market: Market
let consumer: Person
let provider: Awaited<ReturnType<typeof openProvider>>

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer }
  provider = await openProvider(market, 'provider', { ...offer, megabits: 100 })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
})
afterAll(() => market.destroy())

const password = () => ['--password-file', join(consumer.host.home, 'password')]

/** Names only: the number that the kernel gives a namespace it carried an interface into stays. */
const machine = () => machineState(consumer.host, "ip netns list | cut -d ' ' -f 1 | sort")

/** Who a web server on the internet takes us for; '' when it cannot be reached. */
async function whoAmI(...inside: readonly string[]): Promise<string> {
  const asked = [...inside, 'curl', '-sS', '--max-time', '10', market.internet.addressUrl]
  return consumer.host.run(asked).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  )
}

/** Somebody who is not root; in a user namespace of one user there is nobody else. */
const nobody = /^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'utf8')) ? '65534' : '0'

const inApps = ['ip', 'netns', 'exec', 'apps']

/** Kills what belongs to the consumer alone. */
const kill = (program: string) =>
  consumer.host.run([
    'bash',
    '-c',
    `for p in $(pgrep -x ${program}); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true`,
  ])

const connectionFile = () => join(consumer.host.home, '.pontage', 'consumer', 'connection.json')
const processOf = (): number => JSON.parse(readFileSync(connectionFile(), 'utf8')).process.pid

describe('a connection in the background', () => {
  it('is asked by a socket that its group may use, and ended by it', async () => {
    const before = await machine()
    const socket = join(market.world.folder, 'control.sock')
    expect(await consumer.run('providers', '--no-latency')).toMatch(/^1 {2}0x[0-9a-f]{40} {2}DE/m)
    await consumer.run('alias', 'office', '1')
    await consumer.run(
      'connect',
      'office',
      '--background',
      ...password(),
      '--control',
      socket,
      '--control-group',
      nobody,
    )
    expect(await whoAmI()).toBe(provider.host.address)
    expect((await consumer.host.run(['cat', '/etc/resolv.conf'])).stdout).toMatch(
      /pontage[\s\S]*nameserver 10\./,
    )
    expect((await consumer.host.run(['stat', '-c', '%a %g', socket])).stdout.trim()).toBe(`660 ${nobody}`)
    const status = await eventually('what was spent is told', async () => {
      const now = await consumer.json<Status>('status', '--control', socket)
      return BigInt(now.live?.spentWei ?? 0) > 0n && now
    })
    expect(status).toMatchObject({ state: 'connected', killSwitch: true, live: { sessions: 1 } })
    expect(await consumer.run('status', '--control', socket)).toMatch(
      /Connected; the kill switch is on[\s\S]*, DE, \S+ PTT\/GB[\s\S]*Channel: \S+ PTT used[\s\S]*Next: "pontage disconnect"/,
    )
    await expect(consumer.run('unlock')).rejects.toThrow(/A connection is running/)
    expect(await consumer.json('disconnect', '--control', socket)).toEqual({ result: 'ended' })
    expect(await machine()).toBe(before)
    expect(await consumer.json('status')).toMatchObject({ state: 'disconnected', live: null })
  })

  it('that was killed is undone by unlock, exactly', async () => {
    const before = await machine()
    await consumer.run('connect', 'DE', '--background', ...password())
    process.kill(processOf(), 'SIGKILL')
    expect(await whoAmI()).not.toBe(consumer.host.address)
    expect(await consumer.json('status')).toMatchObject({ state: 'crashed', killSwitch: true })
    expect(await consumer.json('unlock')).toEqual({ result: 'restored' })
    expect(await machine()).toBe(before)
    expect(await consumer.json('unlock')).toEqual({ result: 'nothing' })
  })

  it('that nobody has a record of is swept away where that is said', async () => {
    const before = await machine()
    const resolvers = readFileSync('/etc/resolv.conf', 'utf8')
    await consumer.run('connect', '--background', ...password())
    process.kill(processOf(), 'SIGKILL')
    await rm(connectionFile())
    await expect(consumer.run('unlock')).rejects.toThrow(/no record/)
    expect(await consumer.json('unlock', '--yes')).toEqual({ result: 'swept' })
    // What only the record knew.
    writeFileSync('/etc/resolv.conf', resolvers)
    await consumer.host.run(['sysctl', '-qw', 'net.ipv4.conf.all.src_valid_mark=0'])
    expect(await machine()).toBe(before)
    expect(await whoAmI()).toBe(consumer.host.address)
  })

  it('is refused to a shell that it would cut off', async () => {
    const attempt = consumer.host.start([programPath('pontage'), 'connect'], {
      env: { SSH_CONNECTION: '203.0.113.99 50000 198.51.100.2 22' },
    })
    expect((await attempt.ended).code).toBe(1)
    expect(attempt.lines('stderr').join('\n')).toMatch(/opened from 203\.0\.113\.99.*--yes/)
  })
})

describe('a tunnel for some programs only', () => {
  it('is all that one program sees, which runs as the caller, and gives back its exit code', async () => {
    const before = await machine()
    const script = `id -u; cat /etc/resolv.conf; ls /sys/class/net | tr '\\n' ' '; curl -sS ${market.internet.addressUrl}; exit 7`
    const program = consumer.host.start([programPath('pontage'), 'exec', '--', 'sh', '-c', script], {
      env: { SUDO_UID: nobody, SUDO_GID: nobody },
    })
    expect((await program.ended).code).toBe(7)
    const said = program.output()
    expect(said).toMatch(new RegExp(`^${nobody}$`, 'm'))
    expect(said).toMatch(/^nameserver 10\./m)
    expect(said).toContain(provider.host.address)
    expect(said).not.toContain(consumer.host.address)
    expect(await machine()).toBe(before)
  })

  it('leaves the machine’s own network alone, and has no way out once WireGuard is gone', async () => {
    // Made here: each command typed at a machine of the world has mounts of its own, and would not see another's.
    await applyIp([['netns', 'add', 'apps']])
    const before = await machine()
    const program = consumer.start([
      'connect',
      '--netns',
      'apps',
      '--json',
      '--retry-for',
      '0',
      '--cap',
      '50MB',
    ])
    await logged(program, 'connected', {}, 60_000)
    expect(await whoAmI(...inApps)).toBe(provider.host.address)
    expect(await whoAmI()).toBe(consumer.host.address)
    expect(await consumer.json('status')).toMatchObject({
      state: 'connected',
      netns: 'apps',
      killSwitch: false,
    })
    program.signal('SIGSTOP')
    await kill('wireguard-go')
    expect(await whoAmI(...inApps)).toBe('')
    program.signal('SIGCONT')
    await logged(program, 'failed-over', { reason: 'lost' }, 60_000)
    await program.when(
      () => program.lines().filter((line) => line.includes('"event":"connected"')).length === 2,
      'a second tunnel',
      60_000,
    )
    expect(await whoAmI(...inApps)).toBe(provider.host.address)
    await program.stop('SIGKILL')
    expect(await consumer.json('disconnect')).toEqual({ result: 'restored' })
    expect(await machine()).toBe(before)
    await applyIp([['netns', 'delete', 'apps']])
  })
})

describe('a consumer that asks for help', () => {
  it('hears what its machine needs, and has its commands completed', async () => {
    const { checks: findings } = await consumer.json<{ checks: { about: string; verdict: string }[] }>(
      'doctor',
    )
    expect(findings.filter(({ verdict }) => verdict === 'bad')).toEqual([])
    expect(findings.map(({ about }) => about)).toEqual(
      expect.arrayContaining(['nftables', 'clock', 'providers']),
    )
    expect(await consumer.run('completion')).toContain('complete')
    expect(await consumer.run('--help')).toMatch(/Exit codes: 0 success/)
  })
})
