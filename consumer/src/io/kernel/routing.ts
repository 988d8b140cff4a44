import { readFileSync } from 'node:fs'
import { BlockList } from 'node:net'
import { applyIp, deleteWireguard, runCommand, undoIp } from '@pontage/shared/node'
import { removeBoundSockets } from './boundSockets.js'
import { nearOnly } from './nearOnly.js'
import { protocols } from './protocols.js'
import { families, type Rule, rulesAndRoutes, type TableRoute } from './rulesAndRoutes.js'
import type { Part } from './upkeep.js'
import { isWalls } from './wall.js'

/** How the tunnel is routed: as wg-quick does it, with four rules more. */
export interface TunnelRoutes {
  readonly interface: string
  /** Number of the tunnel's own routing table; WireGuard's packets carry it as their mark. */
  readonly table: number
  readonly endpoint: { readonly address: string; readonly tcpPort: number }
  readonly gateway4: string
  readonly gateway6: string
  readonly ipv6: boolean
}

/** Our rules stand together, before the system's own (32766): the tunnel's, then those of the wall. */
const firstPriority = 32_000
const maxRules = 6
const lastMetric = '4294967295'

/**
 * The tunnel's routes and rules, to be kept in force. `gateway`: its other end is reachable, nothing else; `all`:
 * everything is sent into the tunnel but WireGuard's own packets, and behind it is a wall: when the interface is gone, the
 * table answers "unreachable" instead of letting packets fall through to the old default route.
 */
export function routesPart(
  routes: TunnelRoutes,
  { addresses, mtu }: { readonly addresses: readonly string[]; readonly mtu: number },
  stage: 'gateway' | 'all',
): Part {
  /** Of each family, as it stands where it is whole; known once it was looked at. */
  const whole = new Map<4 | 6, string>()
  /** The same where not all of it can be put in force. */
  const stuck = new Map<4 | 6, string>()
  let isNew = false
  const isReady = (device: Device, own: readonly string[]) =>
    device.mtu === mtu && own.every((address) => device.has(address.split('/')[0] ?? ''))
  async function lead(found: Seen, device: Device | undefined): Promise<void> {
    const { family } = found
    const own = addresses.filter((address) => address.includes(':') === (family === 6))
    const given = own.map((address) => addressOf(address, routes.interface))
    const isThere = inText(found) === whole.get(family)
    // Each change would be told by the kernel, and looked at again.
    if (isThere && device !== undefined && isReady(device, own)) return
    if (inText(found) === stuck.get(family)) await applyIp(given, { family })
    const isGatewayThere = leadsToGateway(routes, found)
    // What others took away may be a part only, or the interface's own address.
    if (!isThere && !isGatewayThere && inText(found) !== '') await removeRoutes(routes, [family])
    const [first, end] = isThere ? [0, 0] : partOf(stage)
    const rows = [isGatewayThere ? Math.max(first, 1) : first, end] as const
    await applyIp(
      [
        // Below 1,280 bytes the kernel takes IPv6 from it.
        ...(family === 4 ? [['link', 'set', 'dev', routes.interface, 'mtu', String(mtu), 'up']] : []),
        ...given,
        ...tableOf(routes, family)
          .slice(...rows)
          .map((words) => ['route', 'add', ...words]),
        ...rulesOf(routes, family)
          .slice(...rows)
          .map((words) => ['rule', 'add', ...words]),
      ],
      // Where the device does not take a family, its rules still lead there, and not past it.
      { family, force: true },
    )
  }
  return {
    gone: '',
    async look() {
      const [device, found] = await Promise.all([deviceNow(routes.interface), seen(routes)])
      const standing = found.filter((each) => isWhole(routes, each, stage))
      if (isNew) for (const each of standing) whole.set(each.family, inText(each))
      isNew = false
      const isAll = isReady(device, addresses) && standing.length === found.length
      return isAll ? found.map(inText).join('\n') : ''
    },
    async apply() {
      const failures: unknown[] = []
      const device = whole.size === 0 ? undefined : await deviceNow(routes.interface)
      // One family may be switched off, which takes nothing from the other.
      for (const each of await seen(routes))
        try {
          await lead(each, device)
          stuck.delete(each.family)
        } catch (error) {
          failures.push(error)
          stuck.set(each.family, inText(await seenOf(routes, each.family)))
        }
      isNew = true
      if (failures.length > 0) throw failures[0]
    },
  }
}

/** Which rows of {@link tableOf} and {@link rulesOf} belong to a stage. */
const partOf = (stage: 'gateway' | 'all'): readonly [first: number, end: number | undefined] =>
  stage === 'all' ? [0, undefined] : [0, 1]

interface Device {
  /** How large its packets are, in bytes. */
  readonly mtu: number
  /** Whether an address is one of its own, however it is written. */
  has(address: string): boolean
}

async function deviceNow(name: string): Promise<Device> {
  const { stdout } = await runCommand(['ip', '-json', 'address', 'show', 'dev', name])
  const [{ mtu = 0, addr_info: own = [] } = {}] = JSON.parse(stdout) as {
    mtu?: number
    addr_info?: { local: string }[]
  }[]
  const addresses = new BlockList()
  for (const { local } of own) addresses.addAddress(local, ipOf(local))
  return { mtu, has: (address) => addresses.check(address, ipOf(address)) }
}

const ipOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4')

/** Without asking neighbours for it: a tunnel has none, and the first packet would wait for them. */
const addressOf = (address: string, device: string): readonly string[] => [
  ...['address', 'replace', address, 'dev', device],
  ...(address.includes(':') ? ['nodad'] : []),
]

/** Of one family, what {@link routesPart} made. */
interface Seen {
  readonly family: 4 | 6
  readonly rules: readonly Rule[]
  readonly routes: readonly TableRoute[]
}

/** What stands of it, a family each. */
const seen = (routes: TunnelRoutes): Promise<Seen[]> =>
  Promise.all(families().map((family) => seenOf(routes, family)))

async function seenOf(routes: TunnelRoutes, family: 4 | 6): Promise<Seen> {
  const found = await rulesAndRoutes(family, [String(routes.table)])
  const rules = found.rules.filter(({ priority }) => isTunnels(priority))
  return { family, rules, routes: found.routes[0] ?? [] }
}

const inText = ({ rules, routes }: Seen): string =>
  [...rules, ...routes].map((each) => JSON.stringify(each)).join('\n')

/** Whether what stands is all of the stage `gateway`, and nothing else. */
function leadsToGateway(tunnel: TunnelRoutes, { family, rules, routes }: Seen): boolean {
  const [rule, ...otherRules] = rules
  const [route, ...otherRoutes] = routes
  const gateway = family === 6 ? tunnel.gateway6 : tunnel.gateway4
  return (
    otherRules.length + otherRoutes.length === 0 &&
    rule?.priority === firstPriority &&
    rule.dst === gateway &&
    rule.table === String(tunnel.table) &&
    route?.dst === gateway &&
    route.dev === tunnel.interface
  )
}

/** Whether all of a stage is there, whatever else is. */
function isWhole(tunnel: TunnelRoutes, { family, rules, routes }: Seen, stage: 'gateway' | 'all'): boolean {
  const rows = partOf(stage)
  const wanted = rulesOf(tunnel, family).slice(...rows)
  return (
    routes.length >= tableOf(tunnel, family).slice(...rows).length &&
    wanted.every((words) => rules.some(({ priority }) => priority === Number(words.at(-1))))
  )
}

/** What of {@link routesPart} is not there, in words of the ip command. */
export async function missingRoutes(tunnel: TunnelRoutes): Promise<string[]> {
  const found = await seen(tunnel)
  return found.flatMap(({ family, rules, routes }) => {
    const priorities = new Set(rules.map(({ priority }) => priority))
    const missing = rulesOf(tunnel, family).filter((words) => !priorities.has(Number(words.at(-1))))
    return [
      ...missing.map((words) => `ip -${family} rule ${words.join(' ')}`),
      ...(tableOf(tunnel, family).length === 0 ||
      routes.some(({ dst, dev }) => dst === 'default' && dev === tunnel.interface)
        ? []
        : [`ip -${family} route default dev ${tunnel.interface} table ${tunnel.table}`]),
    ]
  })
}

const isTunnels = (priority: number): boolean =>
  priority >= firstPriority && priority < firstPriority + maxRules

/** Rules of ours, in their order. */
const rulesAt = async (family: 4 | 6): Promise<Rule[]> =>
  (await rulesAndRoutes(family)).rules.filter(({ priority }) => isTunnels(priority) || isWalls(priority))

/** Undoes {@link routesPart}, also where it stopped half-way. What is gone already is no error. */
export async function removeRoutes(routes: TunnelRoutes, some = families()): Promise<void> {
  for (const family of some)
    await undoIp(
      [
        ...rulesOf(routes, family).map((words) => ['rule', 'delete', ...words]),
        ...tableOf(routes, family).map((words) => ['route', 'delete', ...words]),
      ],
      { family },
    )
}

/**
 * Removes our rules, known by their priorities, with the table they lead to and the tunnel behind it: for when no
 * record says what was made.
 */
export async function sweepRoutes(): Promise<void> {
  await removeBoundSockets()
  for (const family of [4, 6] as const) {
    const ours = await rulesAt(family)
    await undoIp(
      ours.map(({ priority }) => ['rule', 'delete', 'priority', String(priority)]),
      { family },
    )
    for (const table of new Set(ours.map((rule) => rule.table)))
      if (table !== undefined && /^\d+$/.test(table)) await sweepTable(family, table)
  }
}

async function sweepTable(family: 4 | 6, table: string): Promise<void> {
  const [routes = []] = (await rulesAndRoutes(family, [table])).routes
  await undoIp(
    [
      ['route', 'flush', 'table', table],
      // Of IPv6 a flush leaves the wall behind.
      ['route', 'delete', 'unreachable', 'default', 'table', table],
    ],
    { family },
  )
  // The wall behind the tunnel is written as a way to the loopback.
  const devices = routes.flatMap(({ dev, type }) => (type === undefined && dev && dev !== 'lo' ? [dev] : []))
  for (const name of devices) await deleteWireguard({ name, kind: 'userspace' })
}

/** A routing table that nobody uses, and so a mark that nobody uses. */
export async function freeTable(): Promise<number> {
  const said = await Promise.all(
    ['-4', '-6'].map((family) =>
      runCommand(['ip', family, '-batch', '-'], { input: 'rule show\nroute show table all\n' }).then(
        ({ stdout }) => stdout,
        () => '', // A machine without IPv6 has no tables for it.
      ),
    ),
  )
  const text = said.join('\n')
  for (let table = 51_820; ; table++)
    if (!new RegExp(`\\b(${table}|0x${table.toString(16)})\\b`).test(text)) return table
}

/** Whether this machine speaks IPv6; where it does not, its commands would fail. */
export function speaksIpv6(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'utf8').trim() === '0'
  } catch {
    return false
  }
}

const gatewayOf = (routes: TunnelRoutes, family: 4 | 6): string =>
  family === 6 ? `${routes.gateway6}/128` : `${routes.gateway4}/32`

const tableOf = (routes: TunnelRoutes, family: 4 | 6): readonly string[][] =>
  isCarried(routes, family)
    ? [
        [gatewayOf(routes, family), 'dev', routes.interface, 'table', String(routes.table)],
        ['default', 'dev', routes.interface, 'table', String(routes.table)],
        ['unreachable', 'default', 'metric', lastMetric, 'table', String(routes.table)],
      ]
    : []

/** IPv6 may be off for new devices, and so for the tunnel, while others have it: then it leads nowhere. */
const isCarried = (routes: TunnelRoutes, family: 4 | 6): boolean => family === 4 || routes.ipv6

function rulesOf(routes: TunnelRoutes, family: 4 | 6): readonly string[][] {
  const table = String(routes.table)
  const { address, tcpPort } = routes.endpoint
  const isOwnFamily = address.includes(':') === (family === 6)
  const inside = isCarried(routes, family) ? ['table', table] : ['unreachable']
  const rules = [
    // A network of the user's may overlap the tunnel's: the gateway is always inside.
    ['to', gatewayOf(routes, family), ...inside],
    // The provider's payment port stays reachable from outside, to speak to it while the tunnel is down.
    ...(isOwnFamily
      ? [['to', address, 'ipproto', protocols.tcp, 'dport', String(tcpPort), 'table', 'main']]
      : []),
    // Not even a resolver of the local network hears a name in the moment after a firewall was reloaded.
    ...[protocols.udp, protocols.tcp].map((protocol) => ['ipproto', protocol, 'dport', '53', ...inside]),
    [...nearOnly],
    ['not', 'fwmark', table, ...inside],
  ]
  return rules.map((words, index) => [...words, 'priority', String(firstPriority + index)])
}
