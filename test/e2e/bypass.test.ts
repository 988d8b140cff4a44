import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  captureLeak,
  createMarket,
  eventually,
  logged,
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

// One program beside the tunnel of a whole machine: its packets leave, and no others.

let market: Market
let consumer: Person
let provider: Awaited<ReturnType<typeof openProvider>>
let session: Program
let before: string

/** Only the program beside the tunnel speaks to this port. */
const ownPort = 8081
const nobody = '65534'

/** Commands at a machine of the world have a /sys of their own, without the control groups that every system has there. */
const withGroups = ['sh', '-c', 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', 'sh']
const start = (...words: readonly string[]): Program =>
  consumer.host.start([...withGroups, programPath('pontage'), ...words])
const bypass = (...words: readonly string[]): Program =>
  consumer.host.start([...withGroups, programPath('pontage'), 'bypass', '--json', '--', ...words], {
    env: { SUDO_UID: nobody, SUDO_GID: nobody },
  })
const groups = async (): Promise<string> =>
  (
    await consumer.host.run([
      ...withGroups,
      'sh',
      '-c',
      'ls -d /sys/fs/cgroup/pontage-bypass-* 2>/dev/null; true',
    ])
  ).stdout
const machine = () => machineState(consumer.host)
const url = (host: string) => `http://${host}:${ownPort}/`

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  const server = market.internet.host.start([
    process.execPath,
    '-e',
    `require('node:http').createServer((q, r) => r.end(q.socket.remoteAddress.replace('::ffff:', '') + '\\n'))
      .listen(${ownPort}, '::', () => console.log('up'))`,
  ])
  await server.line(/up/)
  before = await machine()
  expect((await bypass('true').ended).code).toBe(1)
  session = start('connect', '--json')
  await logged(session, 'connected')
})
afterAll(async () => {
  await session?.stop('SIGKILL')
  await consumer?.run('disconnect')
  await market?.destroy()
})

const get = async (run: (...words: readonly string[]) => Program, host: string): Promise<string> => {
  const attempt = run('curl', '-sS', '-m', '20', url(host))
  const { code } = await attempt.ended
  return code === 0 ? attempt.lines('stdout').join('') : attempt.output()
}
const plainly = (...words: readonly string[]): Program => consumer.host.start(words)

describe('a program beside the tunnel', () => {
  it('is seen as who this machine is, over both families, while every other is not', async () => {
    const { address, address6 } = market.internet.host
    expect(await get(plainly, address)).toBe(provider.host.address)
    expect(await get(bypass, address)).toBe(consumer.host.address)
    expect(await get(bypass, `[${address6}]`)).toBe(consumer.host.address6)
    expect(await get(plainly, address)).toBe(provider.host.address)
    expect(await groups()).toBe('')
  })

  it('runs as the caller, is named by status, and nobody else can join', async () => {
    const program = bypass('sh', '-c', 'id -u; exec sleep 1000')
    await program.line(new RegExp(`^${nobody}$`))
    const status = await consumer.json<{ beside: { name: string }[] }>('status')
    expect(status.beside.map(({ name }) => name)).toEqual(['sleep'])
    expect(await consumer.run('status')).toMatch(
      /Beside the tunnel, and seen as who you are: sleep \(process/,
    )
    const [group = ''] = (await groups()).trim().split('\n')
    const join = consumer.host.start([
      ...withGroups,
      ...['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'],
      ...['sh', '-c', `echo $$ >${group}/cgroup.procs && echo joined`],
    ])
    await join.ended
    expect(join.output()).toMatch(/Permission denied/)
    await program.stop('SIGTERM')
    expect(await groups()).toBe('')
  })

  it('has its packets leave, and no others, not even its questions for names', async () => {
    const noise = makeNoise(market, consumer.host)
    const { address } = market.internet.host
    const script = `while :; do curl -s -m 2 -o /dev/null ${url(address)}; echo x >/dev/udp/9.9.9.9/53; sleep 0.1; echo done; done`
    const captured = (others: readonly string[]) =>
      captureLeak(
        market,
        consumer.host,
        [provider.host],
        async () => {
          const program = bypass('bash', '-c', script)
          await program.when(() => program.lines().length > 5, 'its packets')
          await noiseGoesOn(noise)
          await program.stop('SIGTERM')
          await noiseGoesOn(noise)
        },
        7800,
        others,
      )
    expect(await captured([`${address} ${ownPort}`])).toEqual(noLeak)
    expect((await captured([])).ipv4, 'they are heard').toBeGreaterThan(0)
    await noise.stop('SIGKILL')
  })

  it.each([
    'nft flush ruleset',
    'nft delete table inet pontage_bypass',
    'ip rule delete priority 31890; ip -6 rule delete priority 31890',
  ])('goes on beside the tunnel after somebody ran %s', async (meddling) => {
    const { address } = market.internet.host
    const program = bypass('bash', '-c', `while :; do curl -s -m 2 ${url(address)}; sleep 0.2; done`)
    await program.when(() => program.lines('stdout').length > 0, 'its first answer')
    await consumer.host.run(['bash', '-c', meddling])
    const seenAs = () => program.lines('stdout').slice(-2)
    // What it had asked before may be answered yet.
    const asked = program.lines('stdout').length + 2
    await program.when(
      () =>
        program.lines('stdout').length > asked && seenAs().every((each) => each === consumer.host.address),
      'answers that come to who this machine is',
      20_000,
    )
    const rules = async () => (await consumer.host.run(['bash', '-c', 'ip rule; ip -6 rule'])).stdout
    await eventually('both families are led', async () => (await rules()).split('31890:').length === 3)
    // Nothing is put back again and again.
    const generation = async () => (await consumer.host.run(['nft', '-a', 'list', 'tables'])).stdout
    const before = await generation()
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await generation()).toBe(before)
    await program.stop('SIGTERM')
    expect(await groups()).toBe('')
  })

  it('goes on over another tunnel', async () => {
    const { address } = market.internet.host
    const program = bypass('sleep', '1000')
    await eventually('it runs', async () => (await groups()) !== '')
    await consumer.host.run([
      'bash',
      '-c',
      'for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true',
    ])
    await session.when(
      () => session.lines().filter((line) => line.includes('"event":"connected"')).length === 2,
      'a second tunnel',
    )
    expect(await get(bypass, address)).toBe(consumer.host.address)
    await program.stop('SIGTERM')
  })

  it('outlives a Ctrl-C that it has a use for, as a shell does', async () => {
    const script = 'trap "echo heard" INT; echo up; while :; do sleep 0.1; done'
    const program = bypass('bash', '-c', script)
    await program.line(/^up$/)
    const [, pid] = /pontage-bypass-(\d+)-/.exec(await groups()) ?? []
    const list = [...withGroups, 'sh', '-c', 'cat /sys/fs/cgroup/pontage-bypass-*/cgroup.procs']
    const inside = (await consumer.host.run(list)).stdout.trim().split('\n')
    const shell = inside.find((each) => readFileSync(`/proc/${each}/comm`, 'utf8').trim() === 'bash')
    // As a terminal has it: to all in the foreground.
    for (const each of [pid, shell]) process.kill(Number(each), 'SIGINT')
    await program.line(/^heard$/)
    // Longer than it takes to end those that nobody watches any more.
    await delay(3_000)
    expect(await groups()).not.toBe('')
    await program.stop('SIGTERM')
    expect(await groups()).toBe('')
  })

  it('ends with whoever started it, and leaves nothing', async () => {
    const tables = async () => (await consumer.host.run(['nft', 'list', 'tables'])).stdout
    const program = bypass('sh', '-c', 'sleep 1000 & sleep 1000')
    await eventually('it runs', async () => (await groups()) !== '')
    expect(await tables()).toContain('pontage_bypass')
    const [, pid] = /pontage-bypass-(\d+)-/.exec(await groups()) ?? []
    const list = [...withGroups, 'sh', '-c', 'cat /sys/fs/cgroup/pontage-bypass-*/cgroup.procs']
    const children = await eventually('both its programs run', async () => {
      const found = (await consumer.host.run(list)).stdout.trim().split('\n')
      return found.length >= 2 && found
    })
    process.kill(Number(pid), 'SIGKILL')
    await program.ended
    await eventually(
      'nothing is left of it',
      async () => (await groups()) === '' && !(await tables()).includes('pontage_bypass'),
    )
    // What is left of one that nobody waits for has no command line.
    const commandOf = (child: string) => {
      try {
        return readFileSync(`/proc/${child}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    }
    expect(children.map(commandOf).filter((command) => command !== '')).toEqual([])
  })

  it('is undone by disconnect where both were killed', async () => {
    const program = bypass('sleep', '1000')
    await eventually('it runs', async () => (await groups()) !== '')
    const [, pid] = /pontage-bypass-(\d+)-/.exec(await groups()) ?? []
    await session.stop('SIGKILL')
    process.kill(Number(pid), 'SIGKILL')
    await program.ended
    await start('disconnect').succeeded()
    expect(await groups()).toBe('')
    expect(await machine()).toBe(before)
  })

  it('is refused where it means nothing', async () => {
    const refused = async () => {
      const attempt = bypass('true')
      expect((await attempt.ended).code).toBe(1)
      return attempt.output()
    }
    expect(await refused()).toMatch(/Nothing is connected/)
    const exec = start('exec', '--', 'sleep', '1000')
    await exec.line(/Connected/i)
    expect(await refused()).toMatch(/for some programs only/)
    await exec.stop('SIGINT', 60_000)
  })
})
