import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { applyIp, applyRuleset, deleteTable, runCommand } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  alteredRules,
  captureLeak,
  createMarket,
  eventually,
  logged,
  logLines,
  type Market,
  machineState,
  makeNoise,
  meddledOnce,
  noiseGoesOn,
  noLeak,
  openHub,
  openProvider,
  type Person,
  type Program,
  programPath,
  seatConsumer,
} from '../world/index.js'

// What other programs and networks do to a consumer's machine while it is connected, and after (docs/street.md).

let market: Market
let consumer: Person
let provider: Awaited<ReturnType<typeof openProvider>>
let second: Awaited<ReturnType<typeof openProvider>>
let noise: Program
/** What still runs when a test fails would keep the next one from connecting. */
let running: Program | undefined

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = { country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 100 }
  provider = await openProvider(market, 'provider', { ...offer, price: '0.05/GB' })
  second = await openProvider(market, 'second', { ...offer, price: '0.06/GB' })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  noise = makeNoise(market, consumer.host, { neighbours: false })
})
afterAll(async () => {
  await noise.stop('SIGKILL')
  await market.destroy()
})

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(market.world.lastWords())
  if (running?.running) await running.stop('SIGINT', 30_000)
  await consumer.run('unlock', '--yes')
})

const machine = () => machineState(consumer.host)
const resolverFile = '/etc/resolv.conf'

const connect = (...args: readonly string[]): Promise<Program> => connectUnder([], ...args)

/** Connects as a child of other programs, which take something from it first. */
const connectUnder = (words: readonly string[], ...args: readonly string[]): Promise<Program> =>
  connectIn({}, words, ...args)

async function connectIn(
  env: NodeJS.ProcessEnv,
  words: readonly string[],
  ...args: readonly string[]
): Promise<Program> {
  const command = [...words, programPath('pontage'), 'connect', '--json', ...args]
  const program = consumer.host.start(command, { env })
  running = program
  await logged(program, 'connected', {}, 60_000)
  return program
}

const end = async (program: Program) =>
  expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })

const whoAmI = async (...flags: readonly string[]): Promise<string> => {
  const words = ['curl', '-sS', '--max-time', '20', ...flags, market.internet.addressUrl]
  return (await consumer.host.run(words)).stdout.trim()
}

const leaked = (during: () => Promise<unknown>) =>
  captureLeak(market, consumer.host, [provider.host, second.host], during)

const times = (program: Program, event: string, with_: object = {}): number =>
  logLines(program, (line) =>
    Object.entries({ event, ...with_ }).every(([name, value]) => line[name] === value),
  ).length

const download = (bytes: number) =>
  consumer.host.run([
    ...['curl', '-s', '--fail', '-m', '60', '-o', '/dev/null', market.internet.fileUrl(bytes)],
  ])

describe('a machine whose other programs change what a connection relies on', () => {
  it('is connected and shut again in a moment, and gets its resolvers back as they were left', async () => {
    const before = await machine()
    const resolvers = readFileSync(resolverFile, 'utf8')
    const program = await connect()
    const connected = await machine()
    const back = (part: string) =>
      eventually(
        `the ${part} is back`,
        async () => times(program, 'interfered', { part, problem: null }) > 0,
        30_000,
      )
    const reload = async () => {
      await consumer.host.run(['nft', 'flush', 'ruleset'])
      await back('firewall')
      expect(await whoAmI()).toBe(provider.host.address)
    }
    await download(2_000_000)
    expect(await leaked(reload)).toEqual(noLeak)
    await download(2_000_000)
    const mended = times(program, 'interfered', { part: 'firewall', problem: null })
    await consumer.host.firewall('table inet pontage_consumer { flags dormant; }')
    await eventually(
      'the table judges again',
      async () => times(program, 'interfered', { part: 'firewall', problem: null }) > mended,
    )
    await consumer.host.run([
      'bash',
      '-c',
      'for p in 32002 32003 32004 32005; do ip rule del priority $p; done',
    ])
    await back('routes')
    writeFileSync(resolverFile, 'nameserver 192.0.2.53\n')
    await back('resolver')
    expect(await consumer.json('status')).toMatchObject({
      state: 'connected',
      killSwitch: true,
      problems: [],
    })
    const now = await machine()
    expect(
      now.split('\n').filter((line) => !connected.includes(line) && !/packets|bytes used|^#\| /.test(line)),
    ).toEqual([])
    expect(readFileSync(resolverFile, 'utf8')).toContain('pontage')
    const { downBytes } = await consumer.json<{ downBytes: number }>('status')
    // Of the first download at most the last moment before the flush is not counted.
    expect(downBytes).toBeGreaterThan(3_500_000)
    await end(program)
    expect(readFileSync(resolverFile, 'utf8')).toBe('nameserver 192.0.2.53\n')
    writeFileSync(resolverFile, resolvers)
    expect(await machine()).toBe(before)
  })

  it('stays shut after a cap when its firewall is reloaded, says so, and is opened by disconnect', async () => {
    const before = await machine()
    const program = await connect('--cap', '1MB')
    await download(5_000_000).catch(() => undefined)
    expect((await program.ended).code).toBe(0)
    // A router that answers for everybody carries what is put on its link.
    const answersForAll = (value: '0' | '1') =>
      writeFileSync(`/proc/sys/net/ipv4/conf/to-${consumer.host.name}/proxy_arp`, value)
    const flushed = async () => {
      await consumer.host.run(['nft', 'flush', 'ruleset'])
      await expect(whoAmI()).rejects.toThrow()
      await expect(whoAmI('--interface', consumer.host.device)).rejects.toThrow()
    }
    answersForAll('1')
    expect(await leaked(flushed)).toEqual(noLeak)
    answersForAll('0')
    expect(await consumer.json('status')).toMatchObject({
      ...{ state: 'blocked', killSwitch: false },
      problems: [
        expect.stringContaining('something else flushed the firewall'),
        expect.stringContaining('still answer "unreachable"'),
      ],
    })
    await expect(consumer.run('doctor')).rejects.toThrow(/kernel: The kill switch is gone/)
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
    expect(await whoAmI()).toBe(consumer.host.address)
  })
})

describe('a machine that switches IPv6 off for new devices only', () => {
  const forNewDevices = (off: '0' | '1') =>
    consumer.host.run(['sysctl', '-qw', `net.ipv6.conf.default.disable_ipv6=${off}`])
  const ask6 = () =>
    consumer.host.start(['curl', '-s', '-m', '3', `http://[${market.internet.host.address6}]/address`]).ended
  const flushed = async () => {
    await consumer.host.run(['nft', 'flush', 'ruleset'])
    await ask6()
  }

  it('lets no IPv6 out when its firewall is reloaded after a cap, or after the program was killed', async () => {
    await forNewDevices('1')
    try {
      expect((await ask6()).code).toBe(0)
      const before = await machine()
      const capped = await connect('--cap', '1MB')
      await download(5_000_000).catch(() => undefined)
      expect((await capped.ended).code).toBe(0)
      expect(await leaked(flushed)).toEqual(noLeak)
      expect((await consumer.json<{ problems: string[] }>('status')).problems[1]).toMatch(/still answer/)
      await consumer.run('disconnect')
      expect(await machine()).toBe(before)

      const killed = await connect()
      await killed.stop('SIGKILL')
      expect(await leaked(flushed)).toEqual(noLeak)
      await consumer.run('disconnect')
      expect(await machine()).toBe(before)
    } finally {
      await forNewDevices('0')
    }
  })
})

describe('a machine on which another VPN comes up', () => {
  const ip = (...words: string[]) => consumer.host.run(['ip', ...words])

  it('goes on through the tunnel past its routes, and says which rules come first where nothing passes', async () => {
    const before = await machine()
    const program = await connect()
    const { device } = consumer.host
    const halves = ['0.0.0.0/1', '128.0.0.0/1']
    for (const half of halves) await ip('route', 'add', half, 'via', '192.0.2.1', 'dev', device)
    expect(await whoAmI()).toBe(provider.host.address)
    for (const half of halves) await ip('route', 'delete', half)

    const tunnel = (await consumer.json<{ interface: string }>('status')).interface
    await ip('link', 'set', 'dev', tunnel, 'mtu', '1000')
    await eventually('its packets are as large as before', async () =>
      (await ip('link', 'show', 'dev', tunnel)).stdout.includes('mtu 1440'),
    )
    expect(await consumer.json('status')).toMatchObject({ state: 'connected', problems: [] })

    await ip('rule', 'add', 'priority', '100', 'table', 'main')
    try {
      const { problem } = await logged(program, 'interfered', { part: 'way' })
      expect(problem).toMatch(/leave by eth0 and not through the tunnel.*rule 100 .*"pontage exec"/)
      await expect(whoAmI()).rejects.toThrow()
      const status = await consumer.json<{ state: string; problems: string[] }>('status')
      // Where nothing comes back for long enough, it is connecting again.
      expect(status).toMatchObject({ state: expect.stringMatching(/^(re)?connect/), problems: [problem] })
    } finally {
      await ip('rule', 'delete', 'priority', '100')
    }
    await eventually('traffic goes through the tunnel', async () => {
      const { state, problems } = await consumer.json<{ state: string; problems: string[] }>('status')
      return state === 'connected' && problems.length === 0
    })
    expect(await whoAmI()).toBe(provider.host.address)
    await end(program)
    expect(await machine()).toBe(before)
  })
})

/** With mounts of its own, on which a script may work first. */
const mounts = (script: string) => ['unshare', '--mount', 'sh', '-c', `${script}; exec "$@"`, 'sh']

describe('a machine whose disk is full', () => {
  const home = () => join(consumer.host.home, '.pontage', 'consumer')
  const kept = () => `${home()}.kept`
  // Outside of the host's namespace, whose mounts are its own.
  const sh = (script: string) => runCommand(['sh', '-c', script])

  beforeAll(() =>
    sh(
      `cp -a ${home()} ${kept()} && mount -t tmpfs -o size=2M,mode=0700 tmpfs ${home()} && cp -a ${kept()}/. ${home()}`,
    ),
  )
  afterAll(() =>
    sh(`cp -a ${home()}/. ${kept()} && umount ${home()} && cp -a ${kept()}/. ${home()} && rm -r ${kept()}`),
  )

  it('has its connection end in words, lets nothing out, and is opened by disconnect', async () => {
    const before = await machine()
    const program = await connect()
    await sh(`dd if=/dev/zero of=${home()}/fill bs=4k 2>/dev/null || true`)
    const filled = async () => {
      await download(100_000_000).catch(() => undefined)
      expect((await program.ended).code).toBe(1)
      await expect(whoAmI()).rejects.toThrow()
    }
    expect(await leaked(filled)).toEqual(noLeak)
    const said = program.lines('stderr').join('\n')
    expect(said).toMatch(/The journal cannot be written: ENOSPC: no space left on device/)
    expect(said).not.toMatch(/^ +at /m)
    expect(await consumer.json('disconnect')).toEqual({ result: 'restored' })
    expect(await machine()).toBe(before)
    expect(await whoAmI()).toBe(consumer.host.address)
    await sh(`rm ${home()}/fill`)
    await end(await connect())
  })
})

describe('a machine that does not let everything be undone', () => {
  it('connects and restores where /proc/sys is read-only, as in a container', async () => {
    const before = await machine()
    const readOnly = 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys'
    const program = await connectUnder(mounts(readOnly))
    expect(await whoAmI()).toBe(provider.host.address)
    await end(program)
    expect(await machine()).toBe(before)
  })

  it('connects and restores without the right to mount and to make namespaces', async () => {
    const before = await machine()
    const program = await connectUnder(['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'])
    expect(await whoAmI()).toBe(provider.host.address)
    await end(program)
    expect(await machine()).toBe(before)
  })

  it('opens the network although the resolver file cannot be written any more, and says how to mend that', async () => {
    const before = await machine()
    const program = await connectUnder(mounts('true'))
    const { pid } = JSON.parse(
      readFileSync(join(consumer.host.home, '.pontage', 'consumer', 'connection.json'), 'utf8'),
    ).process as { pid: number }
    await consumer.host.run([
      ...['nsenter', '-t', String(pid), '-m', 'mount', '-o', 'remount,ro,bind', resolverFile],
    ])
    expect((await program.stop('SIGINT', 30_000)).code).toBe(1)
    const said = program.lines('stderr').join('\n')
    expect(said).toMatch(/The network is open; left are: the resolver \(EROFS.*by hand: write this to/)
    expect(said).not.toMatch(/^ +at /m)
    expect(await whoAmI()).toBe(consumer.host.address)
    expect(await consumer.json('disconnect')).toEqual({ result: 'restored' })
    expect(await machine()).toBe(before)
  })

  it('is restored after the namespace of its programs was deleted', async () => {
    await applyIp([['netns', 'add', 'gone']])
    const before = await machine()
    const program = await connect('--netns', 'gone')
    await applyIp([['netns', 'delete', 'gone']])
    expect((await program.ended).code).toBe(1)
    expect(program.lines('stderr')).toEqual([
      'pontage: The network namespace "gone" was deleted, and with it the tunnel. Run "pontage disconnect", then connect again.',
    ])
    expect(await consumer.json('status')).toMatchObject({
      problems: ['The network namespace "gone" was deleted, and with it the tunnel and its kill switch.'],
    })
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
    expect(await consumer.json('status')).toMatchObject({ state: 'disconnected' })
  })

  it('that was killed before its kill switch was on says no more than that, and is undone', async () => {
    const before = await machine()
    const program = await connect()
    await program.stop('SIGKILL')
    const table = ['nft', 'delete', 'table', 'inet', 'pontage_consumer']
    await consumer.host.run(table)
    expect(await consumer.json('status')).toMatchObject({
      ...{ state: 'crashed', killSwitch: false },
      problems: [expect.stringMatching(/^There is no kill switch: the program was killed before it was on/)],
    })
    await expect(consumer.run('connect')).rejects.toThrow(/The program was killed while it connected/)
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
  })
})

describe('a line that is cut until every provider is out of reach', () => {
  it('is connected again by itself, and leaks nothing in the meantime', { timeout: 180_000 }, async () => {
    const { device, netns } = consumer.host
    const before = await machine()
    const program = await connect()
    const cut = async () => {
      await applyIp([['link', 'set', 'dev', device, 'down']], { netns })
      await logged(program, 'failed-over', {}, 60_000)
      await eventually('all were asked in vain', async () => times(program, 'refused') === 2, 60_000)
      expect(program.running).toBe(true)
      await applyIp(
        [
          ['link', 'set', 'dev', device, 'up'],
          ['route', 'add', '192.0.2.1', 'dev', device],
          ['route', 'add', 'default', 'via', '192.0.2.1', 'dev', device],
        ],
        { netns },
      )
      await eventually('it is connected again', async () => times(program, 'connected') === 2, 60_000)
    }
    expect(await leaked(cut)).toEqual(noLeak)
    // The kernel asks first whether somebody else has the address that it makes itself.
    const tentative = ['ip', '-6', 'address', 'show', 'tentative']
    await eventually(
      'the line has its own address again',
      async () => (await consumer.host.run(tentative)).stdout === '',
    )
    expect([provider, second].map(({ host }) => host.address)).toContain(await whoAmI())
    await end(program)
    expect((await machine()).split('\n').filter((line) => /pontage|^320\d\d:/.test(line))).toEqual([])
    expect(before).toContain(consumer.host.address)
  })
})

/** In a user namespace of one user there is nobody else. */
const hasOthers = /^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'utf8'))

describe.runIf(hasOthers)('root in the home of a user', () => {
  it('keeps what it acts upon out of it, and gives its owner what it makes there', async () => {
    const before = await machine()
    const home = join(consumer.host.home, '.pontage', 'consumer')
    const give = (owner: string) => consumer.host.run(['chown', '-R', owner, home])
    await give('65534:65534')
    const program = await connectUnder(mounts('mount -t tmpfs tmpfs /var/lib'))
    // The first one may still hold the session whose line was cut.
    expect([provider, second].map(({ host }) => host.address)).toContain(await whoAmI())
    const { stdout } = await consumer.host.run(['find', home, '-not', '-user', '65534'])
    expect(stdout).toBe('')
    expect(existsSync(join(home, 'connection.json'))).toBe(false)
    await end(program)
    expect(await machine()).toBe(before)
    await give('0:0')
  })
})

describe('a program with a tunnel of its own', () => {
  it('asks no service of the machine for names', async () => {
    mkdirSync('/run/nscd', { recursive: true })
    let asked = 0
    const name = 'where-one-goes.example'
    const service = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (request) => {
        if (request.includes(name)) asked++
        socket.destroy()
      })
    }).listen('/run/nscd/socket')
    try {
      const lookUp = ['getent', 'ahosts', name]
      await consumer.host.run(lookUp).catch(() => undefined)
      expect(asked, 'the machine itself asks it').toBeGreaterThan(0)
      const before = asked
      const program = consumer.host.start([
        programPath('pontage'),
        'exec',
        '--',
        'sh',
        '-c',
        `${lookUp.join(' ')}; grep ^hosts: /etc/nsswitch.conf`,
      ])
      expect((await program.ended).code).toBe(0)
      expect(program.output()).toContain('hosts: files dns')
      expect(asked).toBe(before)
    } finally {
      service.close()
      rmSync('/run/nscd', { recursive: true })
    }
  })
})

describe('a container on the machine', () => {
  const inGuest = (...command: string[]) =>
    runCommand(command, { netns: 'guest' }).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    )
  const whoIsGuest = () => inGuest('curl', '-sS', '--max-time', '10', market.internet.addressUrl)
  const pings = async (address: string) => (await inGuest('ping', '-c', '1', '-W', '2', address)) !== ''

  it('goes through the tunnel, is shut in with it, and talks to the machine all along', async () => {
    const { netns, address } = consumer.host
    await applyIp([['netns', 'add', 'guest']])
    const before = await machine()
    await applyIp(
      [
        ['link', 'add', 'br-guests', 'type', 'bridge'],
        ['link', 'add', 'guest0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'guest'],
        ['link', 'set', 'guest0', 'master', 'br-guests', 'up'],
        ['address', 'add', '172.30.0.1/24', 'dev', 'br-guests'],
        ['link', 'set', 'br-guests', 'up'],
      ],
      { netns },
    )
    await applyIp(
      [
        ['address', 'add', '172.30.0.2/24', 'dev', 'eth0'],
        ['link', 'set', 'eth0', 'up'],
        ['route', 'add', 'default', 'via', '172.30.0.1'],
      ],
      { netns: 'guest' },
    )
    await consumer.host.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    const program = await connect('--cap', '20MB')
    expect(await whoIsGuest()).toBe(provider.host.address)
    await download(30_000_000).catch(() => undefined)
    expect((await program.ended).code).toBe(0)
    expect(await whoIsGuest()).toBe('')
    expect(await pings('172.30.0.1')).toBe(true)
    expect(await pings(address)).toBe(true)
    await consumer.run('disconnect')
    await applyIp([['link', 'delete', 'br-guests']], { netns })
    await applyIp([['netns', 'delete', 'guest']])
    expect(await machine()).toBe(before)
  })
})

describe('two connections of two home folders', () => {
  it('leave the network to the first, whose kill switch the other one does not touch', async () => {
    const before = await machine()
    const own = join(consumer.host.home, '.pontage', 'consumer')
    const other = join(consumer.host.home, 'other')
    cpSync(own, other, { recursive: true })
    const both = [[], ['--home', other]].map((home) =>
      consumer.host.start([programPath('pontage'), ...home, 'connect', '--json']),
    )
    await eventually('one has given up', async () => both.some((each) => !each.running), 60_000)
    const [loser] = both.filter((each) => !each.running)
    const [winner] = both.filter((each) => each.running)
    running = winner
    expect(loser?.lines('stderr').join('\n')).toMatch(/of another --home/)
    if (winner === undefined) throw new Error(both.map((each) => each.output()).join('\n'))
    await logged(winner, 'connected', {}, 60_000)
    await consumer.host.run(['nft', 'list', 'table', 'inet', 'pontage_consumer'])
    expect(await whoAmI()).toBe(provider.host.address)
    await end(winner)
    expect(await machine()).toBe(before)
    // Both have one identity: what the winner signed is what counts.
    if (winner === both[1]) cpSync(other, own, { recursive: true })
  })
})

describe('a provider behind which nothing is reached', () => {
  it('is left within seconds for the next one, and paid for a megabyte at most', async () => {
    const program = await connect()
    const { host } = provider
    // Its tunnel and its payment port work as ever.
    await applyRuleset(
      `table inet hole {\nchain beyond {\ntype filter hook forward priority 0\nip saddr ${host.address} ip daddr != ${consumer.host.address} drop\nip6 saddr ${host.address6} drop\n}\n}`,
    )
    const moved = await logged(program, 'failed-over', {}, 60_000)
    const problems = async () => (await consumer.json<{ problems: string[] }>('status')).problems
    const seen = [await problems()]
    expect(moved).toMatchObject({ provider: provider.address, reason: 'undelivered' })
    await eventually('it is connected again', async () => {
      seen.push(await problems())
      return times(program, 'connected') === 2
    })
    expect(seen.flat()).toEqual([])
    expect(await whoAmI()).toBe(second.host.address)
    await deleteTable('inet', 'hole')
    await end(program)
  })
})

describe('a machine that others change in part, or just when something is put in force', () => {
  const ip = (...words: string[]) => consumer.host.run(['ip', ...words])
  const tunnelOf = async () => (await consumer.json<{ interface: string }>('status')).interface
  const seenOverIpv6 = async () => {
    const url = `http://[${market.internet.host.address6}]/address`
    return (await consumer.host.start(['curl', '-sS', '--max-time', '5', url]).succeeded()).trim()
  }
  const killWireguard = () =>
    consumer.host.run([
      'bash',
      '-c',
      'for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true',
    ])

  it('goes on over IPv4 while IPv6 is switched off in the tunnel, and has both again afterwards', async () => {
    const before = await machine()
    const program = await connect()
    const tunnel = await tunnelOf()
    const ipv6Is = (off: '0' | '1') =>
      consumer.host.run(['sysctl', '-qw', `net.ipv6.conf.${tunnel}.disable_ipv6=${off}`])
    expect(await seenOverIpv6()).toBe(provider.host.address6)
    await ipv6Is('1')
    const { problem } = await logged(program, 'interfered', { part: 'routes' })
    expect(problem).toMatch(/IPv6 is disabled/)
    expect(await whoAmI()).toBe(provider.host.address)
    await ipv6Is('0')
    await eventually(
      'the routes are back',
      async () => times(program, 'interfered', { part: 'routes', problem: null }) > 0,
    )
    expect(await seenOverIpv6()).toBe(provider.host.address6)
    // Its address alone is missed, too.
    await ip('-6', 'address', 'flush', 'dev', tunnel)
    await eventually(
      'IPv6 passes again',
      () =>
        seenOverIpv6().then(
          () => true,
          () => false,
        ),
      30_000,
    )
    await end(program)
    expect(await machine()).toBe(before)
  })

  it('lets nothing out while it changes over, even where its firewall does not hold, and goes on with packets as large', async () => {
    const before = await machine()
    // Loaded without its teeth: it stands as it was loaded, so nothing puts another in its place.
    const env = await alteredRules(
      consumer.host,
      's/policy drop/policy accept/; s/reject with.*/continue/; s/ drop$/ continue/',
    )
    const program = await connectIn(env, [])
    const changed = async () => {
      await noiseGoesOn(noise)
      await killWireguard()
      await eventually('it is connected again', async () => times(program, 'connected') === 2, 60_000)
      await noiseGoesOn(noise)
    }
    expect(await leaked(changed)).toEqual(noLeak)
    const sizes = logLines(program, ({ event }) => event === 'connected').map(({ mtu }) => mtu)
    expect(sizes).toEqual([1_440, 1_440])
    await end(program)
    expect(await machine()).toBe(before)
  })

  it.each([
    {
      program: 'nft',
      what: 'chain upload',
      meanwhile: 'nft insert rule inet pontage_consumer guard accept',
      shown: ['nft', 'list', 'chain', 'inet', 'pontage_consumer', 'guard'],
      isWhole: (guard: string) => !/^\s*accept$/m.test(guard),
    },
    {
      program: 'ip',
      what: 'rule add not fwmark',
      meanwhile: 'ip rule delete priority 32005',
      shown: ['ip', 'rule'],
      isWhole: (rules: string) => rules.includes('32005:'),
    },
  ] as const)('has in force what was changed in part before $program was read back', async (each) => {
    const before = await machine()
    const program = await connectIn(
      await meddledOnce(consumer.host, each.program, each.what, each.meanwhile),
      [],
    )
    const isWhole = async () => each.isWhole((await consumer.host.run(each.shown)).stdout)
    await eventually('it is whole', isWhole, 20_000)
    expect(await whoAmI()).not.toBe(consumer.host.address)
    // Nor is the provider blamed for it.
    expect(program.output()).not.toContain('Traffic would leave')
    await end(program)
    expect(await machine()).toBe(before)
  })

  it('keeps its session, and pays for what passed, while its firewall is flushed again and again under load', async () => {
    const before = await machine()
    const program = await connect()
    const url = market.internet.fileUrl(400_000_000)
    const load = consumer.host.start(['curl', '-s', '-m', '120', '-o', '/dev/null', url])
    const flush = consumer.host.start([
      'bash',
      '-c',
      'for i in {1..25}; do nft flush ruleset; sleep 0.3; done',
    ])
    await flush.succeeded()
    const used = async () => (await consumer.json<{ downBytes: number }>('status')).downBytes
    const then = await used()
    await eventually('it goes on', async () => (await used()) > then + 5_000_000, 30_000)
    expect(await consumer.json('status')).toMatchObject({ state: 'connected', problems: [] })
    await load.stop('SIGKILL')
    await end(program)
    expect(times(program, 'failed-over')).toBe(0)
    expect(await machine()).toBe(before)
  })

  it('names nobody in its sets but its own', async () => {
    const program = await connect()
    const table = 'inet pontage_consumer'
    await consumer.host.firewall(
      `add element ${table} guests { "eth0" }\nadd element ${table} bypassed { 0x1 }`,
    )
    await eventually(
      'they are out again',
      async () => {
        const { stdout } = await consumer.host.run(['nft', 'list', 'table', 'inet', 'pontage_consumer'])
        return !stdout.includes('elements = { "eth0" }') && !stdout.includes('elements = { 0x00000001 }')
      },
      30_000,
    )
    // Where nobody puts it back, it is said.
    await program.stop('SIGKILL')
    const problems = async () => (await consumer.json<{ problems: string[] }>('status')).problems
    expect(await problems()).toEqual([])
    for (const change of [
      `add element ${table} guests { "eth0" }`,
      `flush set ${table} guests\nadd element ${table} bypassed { 0x1 }`,
      `flush set ${table} bypassed\nadd rule ${table} guard accept`,
    ]) {
      await consumer.host.firewall(change)
      expect(await problems(), change).toEqual([expect.stringMatching(/not as it was loaded/)])
    }
    await consumer.run('disconnect')
  })

  it('takes no bridge for guests that stands on its own line', async () => {
    const before = await machine()
    // As a VLAN or a bond of the machine’s cards would be.
    await consumer.host.run([
      'bash',
      '-c',
      `ip link add link eth0 name segment0 type macvlan mode bridge && ip link add br-segment type bridge &&
       ip link set segment0 master br-segment up && ip link set br-segment up && ip address add 10.77.0.1/24 dev br-segment &&
       ip neighbour replace 10.77.0.9 lladdr 02:00:00:00:00:09 dev br-segment`,
    ])
    const knock = async () => {
      await consumer.host.start(['ping', '-c', '2', '-W', '1', '10.77.0.9']).ended
    }
    expect((await leaked(knock)).ipv4).toBeGreaterThan(0)
    const program = await connect()
    expect(await leaked(knock)).toEqual(noLeak)
    await end(program)
    await consumer.host.run(['bash', '-c', 'ip link delete br-segment; ip link delete segment0'])
    expect(await machine()).toBe(before)
  })

  it('connects and changes over while devices come and go, and its firewall is flushed all the time', {
    timeout: 180_000,
  }, async () => {
    const before = await machine()
    const churn = consumer.host.start([
      'bash',
      '-c',
      'while :; do ip link add come0 type veth peer name come1 && ip link set come0 up; ip link delete come0; done 2>/dev/null',
    ])
    const flush = consumer.host.start(['bash', '-c', 'while :; do nft flush ruleset; sleep 0.15; done'])
    const program = await connect()
    expect(
      await leaked(async () => {
        await killWireguard()
        await eventually('it is connected again', async () => times(program, 'connected') === 2, 90_000)
        await noiseGoesOn(noise)
      }),
    ).toEqual(noLeak)
    await flush.stop('SIGKILL')
    await churn.stop('SIGKILL')
    expect([provider, second].map(({ host }) => host.address)).toContain(await whoAmI())
    await consumer.host.run(['bash', '-c', 'ip link delete come0 2>/dev/null; true'])
    await eventually(
      'nothing is missing',
      async () => (await consumer.json<{ problems: string[] }>('status')).problems.length === 0,
    )
    await end(program)
    expect(await machine()).toBe(before)
  })
})
