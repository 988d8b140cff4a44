import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { applyIp, deleteWireguard, runCommand } from '@pontage/shared/node'
import { Host } from './host.js'
import type { Program } from './program.js'

/** Machines that reach each other over one router, as over the internet, all inside this namespace. */
export interface World {
  readonly outer: Outer
  /** Adds a machine with public addresses of its own. Names are short: at most ten letters, digits and dashes. */
  addHost(name: string, line?: Line): Promise<Host>
  readonly hosts: ReadonlyMap<string, Host>
  /**
   * Sets the clocks of all its programs that run on Node.js so far ahead, as if that had passed while the machines slept. Only where
   * it was made with such clocks.
   *
   * @param passedMs - What passed, where the clocks were set instead.
   */
  setAhead(ms: number, passedMs?: number): void
  /** Folder for whatever the world keeps; it is in memory and vanishes with it. */
  readonly folder: string
  /** What each program that still runs, or failed, printed last: for whoever has to find out what went wrong. */
  lastWords(lines?: number): string
  /**
   * Stops every program, removes every namespace and link.
   * @throws Error when a program printed a stack trace: whatever a person can cause has a sentence.
   */
  destroy(): Promise<void>
}

/** What the world's internet speaks: both families, or IPv6 alone. */
export type Outer = 'dual' | 'ipv6'

/** How fast a machine's line to the internet is; left out: as fast as this machine can. */
export interface Line {
  /** Million bits a second, each way. */
  readonly megabits?: number
}

/** The router's address on every link (RFC 5737), the one next hop of every machine. */
const router = '192.0.2.1'
const router6 = 'fe80::1'

/**
 * Makes an empty world.
 *
 * @param aheadMs - How far the clocks of its programs are ahead to begin with; left out: they are right, and stay so.
 * @throws Error when it is not inside a namespace of its own: a world must never touch the machine's network.
 */
export async function createWorld(outer: Outer = 'dual', aheadMs?: number): Promise<World> {
  refuseOutside()
  const folder = await mkdtemp('/run/pontage-world-')
  const aheadFile = aheadMs === undefined ? undefined : join(folder, 'ahead')
  const setAhead = (ms: number, passedMs = ms) => {
    if (aheadFile === undefined) throw new TypeError('The clocks of this world are right.')
    writeFileSync(`${aheadFile}.new`, `${ms} ${passedMs}`)
    renameSync(`${aheadFile}.new`, aheadFile)
  }
  if (aheadMs !== undefined) setAhead(aheadMs)
  await runCommand(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  const hosts = new Map<string, Host>()
  const named = new Set<string>()
  return {
    outer,
    folder,
    hosts,
    setAhead,
    async addHost(name, line = {}) {
      if (!/^[a-z][a-z0-9-]{0,9}$/.test(name) || named.has(name))
        throw new TypeError(
          `${JSON.stringify(name)} cannot be the name of a machine: it is in use, or not 1 to 10 characters of a-z, 0-9 and -.`,
        )
      named.add(name)
      const host = await addHost(name, named.size, join(folder, name), outer, aheadFile)
      if (line.megabits !== undefined) await limitLine(host, line.megabits)
      hosts.set(name, host)
      return host
    },
    lastWords: (lines = 20) =>
      [...hosts.values()]
        .flatMap((host) => host.programs)
        .filter((program) => program.running || program.failed)
        .map((program) => `--- ${program.name}\n${program.output().split('\n').slice(-lines).join('\n')}`)
        .join('\n'),
    async destroy() {
      for (const host of [...hosts.values()].reverse()) {
        await host.stopAll()
        await removeTunnels(host)
        // The kernel takes a namespace apart some time later; the link must not wait for that.
        await applyIp([
          ['link', 'delete', 'dev', linkOf(host.name)],
          ['netns', 'delete', host.netns],
        ])
      }
      const traces = [...hosts.values()].flatMap(({ programs }) => programs).flatMap(stackTraces)
      hosts.clear()
      named.clear()
      await rm(folder, { recursive: true, force: true })
      if (traces.length > 0) throw new Error(`Stack traces were printed:\n${traces.join('\n')}`)
    },
  }
}

/** Where stack traces begin in what one of our programs printed, with the line before, which names the error. */
function stackTraces(program: Program): string[] {
  if (!/: pontage(-\w+)?$/.test(program.name)) return []
  const lines = program.output().split('\n')
  return lines.flatMap((line, index) =>
    /^\s+at .+:\d+:\d+\)?$/.test(line) && !/^\s+at /.test(lines[index - 1] ?? '')
      ? [`${program.name}: ${lines[index - 1]}\n${line}`]
      : [],
  )
}

/** The router's end of a machine's line. */
const linkOf = (name: string): string => `to-${name}`

/** Documentation addresses (RFC 5737, RFC 3849): public in every program's eyes, and nobody's. */
async function addHost(
  name: string,
  number: number,
  home: string,
  outer: Outer,
  aheadFile: string | undefined,
): Promise<Host> {
  const address4 = number % 2 === 0 ? `198.51.100.${number}` : `203.0.113.${number}`
  const address6 = `2001:db8:${number.toString(16)}::1`
  const host = new Host(name, name, outer === 'dual' ? address4 : address6, address6, home, aheadFile)
  const has4 = (...commands: string[][]) => (outer === 'dual' ? commands : [])
  const link = linkOf(name)
  await applyIp([
    ['netns', 'add', name],
    ['link', 'add', 'dev', link, 'type', 'veth', 'peer', 'name', host.device, 'netns', name],
    ...has4(['address', 'add', `${router}/32`, 'dev', link]),
    ['address', 'add', `${router6}/64`, 'dev', link, 'nodad'],
    ['link', 'set', 'dev', link, 'up'],
    ...has4(['route', 'add', `${address4}/32`, 'dev', link]),
    ['route', 'add', `${address6}/128`, 'dev', link],
  ])
  await applyIp(
    [
      ['link', 'set', 'dev', 'lo', 'up'],
      ...has4(['address', 'add', `${address4}/32`, 'dev', host.device]),
      ['address', 'add', `${address6}/128`, 'dev', host.device, 'nodad'],
      ['link', 'set', 'dev', host.device, 'up'],
      ...has4(
        ['route', 'add', router, 'dev', host.device],
        ['route', 'add', 'default', 'via', router, 'dev', host.device],
      ),
      ['route', 'add', '::/0', 'via', router6, 'dev', host.device],
    ],
    { netns: name },
  )
  return host
}

/** A queue of 40 ms at both ends, as a good router has: a long one would only make everything late. */
async function limitLine(host: Host, megabits: number): Promise<void> {
  const queueBytes = Math.max(150_000, megabits * 5_000)
  const limit = (device: string, netns?: string) =>
    runCommand(['tc', '-batch', '-'], {
      input: [
        `qdisc add dev ${device} root handle 1: htb default 1`,
        `class add dev ${device} parent 1: classid 1:1 htb rate ${megabits}mbit ceil ${megabits}mbit`,
        `qdisc add dev ${device} parent 1:1 bfifo limit ${queueBytes}`,
        '',
      ].join('\n'),
      ...(netns === undefined ? {} : { netns }),
    })
  await limit(linkOf(host.name))
  await limit(host.device, host.netns)
}

/** Interfaces of programs that were killed keep a wireguard-go running; with the interface it ends. */
async function removeTunnels(host: Host): Promise<void> {
  const { stdout } = await runCommand(['ip', '-json', 'link', 'show', 'type', 'tun'], { netns: host.netns })
  const tunnels = JSON.parse(stdout.trim() === '' ? '[]' : stdout) as { ifname?: string }[]
  for (const { ifname } of tunnels)
    if (ifname !== undefined) await deleteWireguard({ name: ifname, kind: 'userspace', netns: host.netns })
}

/** In a process namespace of its own the process numbers start again; on the machine itself they do not. */
function refuseOutside(): void {
  const status = readFileSync('/proc/self/status', 'utf8')
  const numbers = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? []
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
  const inside =
    Number(numbers.at(-1)) > 0 &&
    / \/run tmpfs /.test(mounts) &&
    readFileSync('/proc/1/comm', 'utf8') !== 'systemd\n'
  const links = readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .filter((line) => line.includes(':'))
  if (!inside || links.some((line) => !/^\s*(lo|to-[a-z0-9-]+):/.test(line)))
    throw new Error('A world is made inside `scripts/world COMMAND`, never on the machine itself.')
}
