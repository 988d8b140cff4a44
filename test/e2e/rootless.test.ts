import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  captureLeak,
  createMarket,
  eventually,
  logged,
  logLines,
  type Market,
  machineState,
  measureDelivery,
  noiseScript,
  noLeak,
  openHub,
  openProvider,
  type Person,
  type Program,
  programPath,
  seatConsumer,
} from '../world/index.js'

// A tunnel for one program, made by somebody who is not root: no sudo, no capability, only an open /dev/net/tun.

const nobody = '65534'
/** In a user namespace of one user there is nobody who is not root. */
const isAlone = /^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'utf8')) === false

let market: Market
let consumer: Person
let hub: Awaited<ReturnType<typeof openHub>>
let provider: Awaited<ReturnType<typeof openProvider>>

describe.skipIf(isAlone)('a user who is not root', () => {
  beforeAll(async () => {
    // As most systems have it.
    await runCommand([
      'sh',
      '-c',
      'mknod /run/open-tun c 10 200 && chmod 666 /run/open-tun && mount --bind /run/open-tun /dev/net/tun && mknod -m 600 /run/closed-tun c 10 200',
    ])
    market = await createMarket()
    hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
    provider = await openProvider(market, 'provider', {
      ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
    })
    consumer = await seatConsumer(market, 'consumer', '10')
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
    chmodSync(market.world.folder, 0o711)
    await runCommand(['chown', '-R', `${nobody}:${nobody}`, consumer.host.home])
  })
  afterAll(() => market?.destroy())
  afterEach(() => endAll())

  async function endAll(): Promise<void> {
    await eventually('nothing is left', async () => {
      for (const pid of processes()) kill(pid)
      return processes().length === 0
    })
  }
  function kill(pid: number): void {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }

  const asUser = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--']
  const pontage = (...words: readonly string[]): string[] => [...asUser, programPath('pontage'), ...words]
  const start = (...words: readonly string[]): Program => consumer.host.start(pontage(...words))
  const exec = (flags: readonly string[], ...words: readonly string[]): Program =>
    start('exec', '--json', ...flags, '--', ...words)

  /** All that run as that user, zombies aside. */
  const processes = (): number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isTheirs(name))
      .map(Number)
  const isTheirs = (pid: string): boolean => {
    try {
      const state = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0]
      return state !== 'Z' && statSync(`/proc/${pid}`).uid === Number(nobody)
    } catch {
      return false
    }
  }
  /** Empty for one that has ended by now. */
  const commandLine = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  }
  const named = (program: string): number[] =>
    processes().filter((pid) => commandLine(pid).split('\0')[0] === program)
  const namespaces = async (): Promise<number> =>
    Number((await runCommand(['sh', '-c', 'lsns --noheadings --type net | wc -l'])).stdout)
  /** Everything outside that a tunnel of root's would change. */
  const machine = () => machineState(consumer.host, 'ls /run /run/netns')

  it('has a program use a paid tunnel, as itself, and gets its exit code', async () => {
    const before = await machine()
    const script = `id -u; grep CapEff /proc/self/status; cat /etc/resolv.conf; ls /sys/class/net | tr '\\n' ' '; ls /run/wireguard; ls /proc | grep -c '^[0-9]'; curl -sS ${market.internet.addressUrl}; exit 7`
    const program = exec([], 'sh', '-c', script)
    expect((await program.ended).code, program.output()).toBe(7)
    const said = program.lines('stdout').join('\n')
    expect(said).toMatch(new RegExp(`^${nobody}$`, 'm'))
    expect(said).toMatch(/^CapEff:\s+0+$/m)
    expect(said).toMatch(/^nameserver 10\./m)
    expect(said).toContain(provider.host.address)
    expect(said).not.toContain(consumer.host.address)
    expect(said, 'standard output is the program’s alone').not.toContain('{"')
    const ended = await logged(program, 'ended')
    expect(BigInt(String(ended.spent))).toBeGreaterThan(0n)
    expect(processes()).toEqual([])
    expect(await machine()).toBe(before)
  })

  it('asks how it stands, has another program join, and ends it, without root', async () => {
    const program = exec([], 'sleep', '1000')
    await logged(program, 'connected')
    const status = JSON.parse(await start('status', '--json').succeeded())
    expect(status).toMatchObject({ state: 'connected', rootless: true, killSwitch: false, problems: [] })
    expect(await start('status').succeeded()).toMatch(
      /^A tunnel for one program, made without root: connected/,
    )
    const second = await exec([], 'curl', '-sS', market.internet.addressUrl).succeeded()
    expect(second).toBe(provider.host.address)
    expect(JSON.parse(await start('disconnect', '--json').succeeded())).toMatchObject({ result: 'ended' })
    await program.ended
    expect(processes()).toEqual([])
    expect(JSON.parse(await start('status', '--json').succeeded())).toMatchObject({ state: 'disconnected' })
  })

  it('has a browser load a page through it, in the browser’s own sandbox', async () => {
    const page = await start(
      ...['exec', '--quiet', '--', 'chromium', '--headless', '--disable-gpu', '--disable-quic'],
      ...['--no-first-run', '--disable-background-networking', '--disable-component-update'],
      ...[`--user-data-dir=${join(consumer.host.home, 'browser')}`, '--dump-dom', market.internet.addressUrl],
    ).succeeded()
    expect(page).toContain(provider.host.address)
    expect(processes()).toEqual([])
  })

  it('never passes its cap by a byte', async () => {
    const meter = await measureDelivery(market.internet)
    const exit = provider.host.address
    // Without room for what waits, UDP would lose some of each: sessions would leave that unpaid, and a later one stand still.
    const wide = { carrier: 'wss', flags: [], pace: [] }
    const paced = { carrier: 'udp', flags: ['--carrier', 'udp'], pace: ['--limit-rate', '500k'] }
    const runs = [3_000_000, 4_765_432, 3_333_333, 5_000_000].map((cap) => ({ cap, ...wide }))
    for (const { cap, carrier, flags, pace } of [...runs, { cap: 2_000_000, ...paced }]) {
      const before = await meter.read(exit)
      const program = exec(
        ['--cap', `${cap}B`, ...flags],
        ...['curl', '-s', ...pace, '--speed-limit', '1', '--speed-time', '5', '-o', '/dev/null'],
        market.internet.fileUrl(10 * cap),
      )
      await logged(program, 'connected', { carrier })
      const ended = await logged(program, 'ended')
      await program.ended
      const after = await meter.read(exit)
      const delivered = after.downBytes - before.downBytes + after.upBytes - before.upBytes
      const counted = Number(ended.downBytes) + Number(ended.upBytes)
      const told = JSON.stringify({ cap, delivered, counted })
      expect(delivered, told).toBeLessThanOrEqual(cap)
      expect(counted, told).toBeLessThanOrEqual(cap)
      // What UDP loses on a busy machine is more than the credit of so small a cap now and then, and the download stands still.
      if (carrier === 'wss') {
        expect(ended.reason, told).toBe('cap')
        expect(cap - counted, told).toBeLessThanOrEqual(100_000)
        // Where all that is guaranteed was promised, it ends.
        const waits = logLines(
          program,
          ({ event, promised, ceiling }) => event === 'suspended' && promised !== ceiling,
        )
        expect(waits, told).toEqual([])
      }
      console.log(`cap of a user who is not root, by ${carrier}: ${told}`)
    }
    meter.stop()
  })

  it('lets nothing out beside the tunnel, from the start to the end, at the cap and when it is killed', async () => {
    const noise = noiseScript(market)
    const leaked = (during: () => Promise<unknown>) =>
      captureLeak(market, consumer.host, [provider.host], during, 7800, [
        `${hub.host.address} 7700`,
        `${market.testChain.rpcUrl.replace(/^.*\/\/(.*):(\d+).*$/, '$1 $2')}`,
      ])
    const open = await leaked(async () => {
      const free = consumer.host.start([...asUser, 'bash', '-c', noise])
      await free.when(() => free.lines().length > 10, 'noise')
      await free.stop('SIGKILL')
    })
    await endAll()
    expect(Math.min(open.ipv4, open.ipv6, open.names), 'the noise is heard').toBeGreaterThan(0)
    const tried = (program: Program, times: number) =>
      program.when(() => program.lines('stdout').filter((line) => line === 'tried').length >= times, 'noise')

    const ended = async () => {
      const program = exec([], 'bash', '-c', noise)
      await tried(program, 15)
      await program.stop('SIGINT', 60_000)
    }
    expect(await leaked(ended)).toEqual(noLeak)
    const capped = async () => {
      // No faster than pasta's socket takes on a busy machine: what is lost in it would end the session before the cap does.
      const download = `curl -s -m 60 --limit-rate 500k -o /dev/null ${market.internet.fileUrl(30_000_000)} &`
      const program = exec(['--cap', '2MB'], 'bash', '-c', `${download} ${noise}`)
      await logged(program, 'ended', { reason: 'cap' })
      const before = program.lines('stdout').length
      await tried(program, before + 15)
      await program.stop('SIGKILL')
    }
    expect(await leaked(capped)).toEqual(noLeak)
    for (const victim of ['wireguard-go', 'pasta', 'program'] as const) {
      const killed = async () => {
        const program = exec([], 'bash', '-c', noise)
        await tried(program, 5)
        const pids = victim === 'program' ? [recorded()] : named(victim)
        expect(pids.length, victim).toBeGreaterThan(0)
        for (const pid of pids) process.kill(pid, 'SIGKILL')
        if (victim === 'wireguard-go') await tried(program, 20)
        await program.stop('SIGKILL')
      }
      expect({ victim, leak: await leaked(killed) }).toEqual({ victim, leak: noLeak })
    }
  })

  const recorded = (): number =>
    JSON.parse(readFileSync(join(consumer.host.home, '.pontage', 'consumer', 'connection.json'), 'utf8'))
      .process.pid

  it('leaves nothing behind, whichever part of it is killed', async () => {
    await eventually('nothing is left of the tests before', async () => processes().length === 0)
    const before = await machine()
    const spaces = await namespaces()
    const parts: Record<string, (program: Program) => number[]> = {
      'what was typed': () => {
        const shown = processes().filter((pid) => /(pontage|main\.js|start\.js)\0exec/.test(commandLine(pid)))
        return shown.slice(0, 1)
      },
      'the connection': () => [recorded()],
      pasta: () => named('pasta'),
      unshare: () => named('unshare').slice(0, 1),
    }
    for (const [part, find] of Object.entries(parts)) {
      const program = exec([], 'sleep', '1000')
      await logged(program, 'connected')
      const victims = find(program)
      expect(victims.length, part).toBeGreaterThan(0)
      for (const pid of victims) process.kill(pid, 'SIGKILL')
      await program.ended
      await eventually(`nothing is left after ${part}`, async () => processes().length === 0)
      expect(await namespaces(), part).toBe(spaces)
      expect(await machine(), part).toBe(before)
      if (part === 'pasta')
        expect(program.output()).toMatch(/The line of the tunnel is gone.*pasta ended with 137/)
      expect(JSON.parse(await start('status', '--json').succeeded())).toMatchObject({ state: 'disconnected' })
    }
  })

  it('goes on with another tunnel when wireguard-go is killed', async () => {
    const program = exec([], 'sleep', '1000')
    await logged(program, 'connected')
    for (const pid of named('wireguard-go')) process.kill(pid, 'SIGKILL')
    await logged(program, 'failed-over', { reason: 'lost' })
    await program.when(
      () => program.lines('stderr').filter((line) => line.includes('"event":"connected"')).length === 2,
      'a second tunnel',
    )
    const second = await exec([], 'curl', '-sS', market.internet.addressUrl).succeeded()
    expect(second).toBe(provider.host.address)
    await program.stop('SIGTERM', 60_000)
    await eventually('nothing is left', async () => processes().length === 0)
  })

  it('hears what is missing, and what opens it', async () => {
    const without = async (change: string): Promise<string> => {
      const attempt = consumer.host.start([
        ...['unshare', '--mount', 'sh', '-c', `${change}; exec "$@"`, 'sh'],
        ...pontage('exec', '--', 'true'),
      ])
      expect((await attempt.ended).code).toBe(1)
      return attempt.lines('stderr').join('\n')
    }
    expect(await without('mount --bind /dev/null "$(command -v pasta)"')).toMatch(
      /pasta was not found.*Install the package passt.*Or use sudo/,
    )
    expect(await without('mount --bind /run/closed-tun /dev/net/tun')).toMatch(
      /\/dev\/net\/tun cannot be opened.*sudo chmod 666 \/dev\/net\/tun/,
    )
    expect(await without('mount -t tmpfs tmpfs /dev/net')).toMatch(/\/dev\/net\/tun is missing.*modprobe tun/)
    const closed = consumer.host.start([
      ...[...asUser, 'unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`, '--keep-caps'],
      ...['sh', '-c', 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', 'sh'],
      ...[programPath('pontage'), 'exec', '--', 'true'],
    ])
    expect((await closed.ended).code).toBe(1)
    expect(closed.output()).toMatch(
      /user\.max_user_namespaces is 0\. Open it: sudo sysctl -w user\.max_user_namespaces=10000/,
    )
  })
})
