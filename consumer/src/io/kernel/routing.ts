import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import {
  applyIp,
  CommandFailed,
  deleteWireguard,
  linkMtu,
  listIp,
  runCommand,
  UserError,
  undoIp,
} from '@pontage/shared/node'
import { nameAsker } from '../../core/killSwitch.js'
import { firstBoundPriority, removeBoundSockets } from './boundSockets.js'
import { guestNetworks } from './guests.js'
import type { Asked } from './killSwitch.js'
import { nearOnly } from './nearOnly.js'
import { protocols } from './protocols.js'
import { type Rule, rulesAndRoutes, type TableRoute } from './rulesAndRoutes.js'
import type { Part } from './upkeep.js'

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

/** Our rules stand together, before the system's own (32766): the tunnel's, and those of the wall. */
const firstPriority = 32_000
const maxRules = 6
const firstWallPriority = 32_010
const maxWallRules = 32
/** Of one host in one family that are tried. */
const maxAddresses = 8
const maxGuestNetworks = 12
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
  return {
    async look() {
      const [size, found] = await Promise.all([linkMtu(routes.interface), seen(routes)])
      return [`${size}`, ...found.map(inText)].join('\n')
    },
    async apply() {
      const found = await seen(routes)
      const isGatewayThere = found.every((each) => leadsToGateway(routes, each))
      // What others took away may be a part only, or the interface's own address.
      if (!isGatewayThere && found.some((each) => inText(each) !== '')) await removeRoutes(routes)
      const rows = stage === 'all' ? [isGatewayThere ? 1 : 0] : isGatewayThere ? [1, 1] : [0, 1]
      for (const family of families(routes))
        await applyIp(
          [
            // Below 1,280 bytes the kernel takes IPv6 from it.
            ...(family === 4
              ? [
                  ['link', 'set', 'dev', routes.interface, 'mtu', String(mtu), 'up'],
                  ...addresses.map((address) => addressOf(address, routes.interface)),
                ]
              : []),
            ...tableOf(routes, family)
              .slice(...rows)
              .map((words) => ['route', 'add', ...words]),
            ...rulesOf(routes, family)
              .slice(...rows)
              .map((words) => ['rule', 'add', ...words]),
          ],
          { family },
        )
    },
  }
}

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
  Promise.all(
    families(routes).map(async (family) => {
      const found = await rulesAndRoutes(family, [String(routes.table)])
      const rules = found.rules.filter(({ priority }) => isTunnels(priority))
      return { family, rules, routes: found.routes[0] ?? [] }
    }),
  )

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

/** What of {@link routesPart} is not there, in words of the ip command. */
export async function missingRoutes(tunnel: TunnelRoutes): Promise<string[]> {
  const found = await seen(tunnel)
  return found.flatMap(({ family, rules, routes }) => {
    const priorities = new Set(rules.map(({ priority }) => priority))
    const missing = rulesOf(tunnel, family).filter((words) => !priorities.has(Number(words.at(-1))))
    return [
      ...missing.map((words) => `ip -${family} rule ${words.join(' ')}`),
      ...(routes.some(({ dst, dev }) => dst === 'default' && dev === tunnel.interface)
        ? []
        : [`ip -${family} route default dev ${tunnel.interface} table ${tunnel.table}`]),
    ]
  })
}

/** Far away, one for each half of the address space: nobody's own network. */
const farAway = { 4: ['1.0.0.1', '203.0.113.254'], 6: ['2001:db8::1'] } as const

/**
 * Whether what programs send really goes into the tunnel, to be watched: another tunnel's rules may come before ours, and then
 * nothing passes, because the firewall refuses it. Such rules are nobody's mistake, and are left as they are.
 */
export const wayPart = (routes: TunnelRoutes): Part => ({
  look: async () => (await strayWay(routes)) ?? '',
  async apply() {
    const problem = await strayWay(routes)
    if (problem !== undefined) throw new UserError(problem)
  },
})

/** A sentence about who leads traffic past the tunnel; undefined where nobody does. */
export async function strayWay(routes: TunnelRoutes): Promise<string | undefined> {
  const ways = (await Promise.all(families(routes).map(devicesFarAway))).flat()
  const stray = ways.find(({ device }) => device !== undefined && device !== routes.interface)
  if (stray === undefined) return undefined
  const { family, device } = stray
  const earlier = (await rulesAndRoutes(family)).rules.filter(
    ({ priority }) => priority > 0 && priority < firstBoundPriority,
  )
  const by = earlier.map((rule) => `ip -${family} rule ${rule.priority} (table ${rule.table ?? 'none'})`)
  return `Traffic would leave by ${device} and not through the tunnel, so the kill switch refuses it: ${by.length > 0 ? `${by.join(', ')} comes` : 'routes come'} before it. If that is another VPN, end it, or use "pontage exec" for what is to go through the tunnel.`
}

/** By which device what is far away is reached; nowhere is no other way. */
async function devicesFarAway(family: 4 | 6): Promise<{ family: 4 | 6; device: string | undefined }[]> {
  const questions = farAway[family].map((address) => ['route', 'get', address])
  const asked = (some: readonly (readonly string[])[]) =>
    listIp(some, { family }).then(
      (ways) => ways.map(([way]) => ({ family, device: (way as { dev?: string } | undefined)?.dev })),
      (error) => {
        if (error instanceof CommandFailed) return undefined
        throw error
      },
    )
  // One that cannot be reached says nothing of the others.
  const together = await asked(questions)
  return together ?? (await Promise.all(questions.map((each) => asked([each])))).flatMap((each) => each ?? [])
}

/** Whether {@link wallPart} is in force. */
export const wallStands = async (): Promise<boolean> =>
  (await rulesAt(4)).some(({ priority }) => isWalls(priority))

const isTunnels = (priority: number): boolean =>
  priority >= firstPriority && priority < firstPriority + maxRules

/** Rules of ours, in their order. */
const rulesAt = async (family: 4 | 6): Promise<Rule[]> =>
  (await rulesAndRoutes(family)).rules.filter(({ priority }) => isTunnels(priority) || isWalls(priority))

/** Undoes {@link routesPart}, also where it stopped half-way. What is gone already is no error. */
export async function removeRoutes(routes: TunnelRoutes): Promise<void> {
  for (const family of families(routes))
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

const srcValidMarkPath = '/proc/sys/net/ipv4/conf/all/src_valid_mark'

/** Whether reverse path filtering heeds marks: it must, or a strict machine drops WireGuard's answers. */
export const readSrcValidMark = (): string => readFileSync(srcValidMarkPath, 'utf8').trim()
/** Writes only what differs: in a container /proc/sys may be read-only, and right already. */
export function writeSrcValidMark(value: string): void {
  if (readSrcValidMark() !== value) writeFileSync(srcValidMarkPath, value)
}

/** What may pass where nothing may: see {@link wallPart}. */
export interface Wall {
  readonly asked: Asked | undefined
  readonly allowLan: boolean
  readonly ipv6: boolean
  /** Names of devices that this machine is a gateway for. */
  readonly gatewayFor: readonly string[]
}

/**
 * A second layer of the kill switch for when there is no tunnel: rules that answer "unreachable". They hold when somebody
 * reloads the firewall and takes ours away with it, also when no program is left that could put it back.
 */
export function wallPart(wall: Wall): Part {
  const print = async () => {
    const found = (await Promise.all([rulesAt(4), rulesAt(6)])).flat()
    return found
      .filter(({ priority }) => isWalls(priority))
      .map((rule) => JSON.stringify(rule))
      .join('\n')
  }
  return {
    look: print,
    async apply() {
      await removeWall()
      const guests = await guestNetworks(wall.gatewayFor)
      for (const family of wall.ipv6 ? ([4, 6] as const) : ([4] as const))
        await applyIp(
          wallOf(wall, guests, family)
            .map((words, index) => ['rule', 'add', ...words, 'priority', String(firstWallPriority + index)])
            // The wall first, then what passes: nothing leaves meanwhile.
            .reverse(),
          { family },
        )
    },
  }
}

/** Takes the wall away. One that is not there is no error. */
export async function removeWall(): Promise<void> {
  await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const walls = (await rulesAt(family)).filter(({ priority }) => isWalls(priority))
      await undoIp(
        walls.map(({ priority }) => ['rule', 'delete', 'priority', String(priority)]),
        { family },
      )
    }),
  )
}

const isWalls = (priority: number): boolean =>
  priority >= firstWallPriority && priority < firstWallPriority + maxWallRules

/** What keeps the link alive passes, as in the firewall, and what is asked of a provider. */
function wallOf({ asked, allowLan }: Wall, guests: readonly string[], family: 4 | 6): readonly string[][] {
  const [from, to] = family === 6 ? ['546', '547'] : ['68', '67']
  const addresses = (asked?.addresses ?? []).filter((each) => each.includes(':') === (family === 6))
  return [
    ...addresses
      .slice(0, maxAddresses)
      .map((each) => [
        'to',
        each,
        'ipproto',
        protocols.tcp,
        'dport',
        String(asked?.tcpPort),
        'table',
        'main',
      ]),
    ...(asked?.lookUp
      ? [protocols.udp, protocols.tcp].map((protocol) => [
          ...['uidrange', `${nameAsker}-${nameAsker}`],
          ...['ipproto', protocol, 'dport', '53', 'table', 'main'],
        ])
      : []),
    ['ipproto', protocols.udp, 'sport', from, 'dport', to, 'table', 'main'],
    // Containers and virtual machines are this machine.
    ...guests
      .filter((each) => each.includes(':') === (family === 6))
      .slice(0, maxGuestNetworks)
      .map((each) => ['to', each, 'table', 'main']),
    ...(allowLan
      ? [protocols.udp, protocols.tcp].map((protocol) => ['ipproto', protocol, 'dport', '53', 'unreachable'])
      : [protocols.tcp, protocols.udp, family === 6 ? protocols.icmp6 : protocols.icmp].map((each) => [
          'ipproto',
          each,
          'unreachable',
        ])),
    // The kernel asks these rules, too, whether a router of a new default route is on the link: it names no protocol.
    [...nearOnly],
    ['unreachable'],
  ]
}

/**
 * Has reverse path filtering heed marks. Where the setting cannot be changed, only strict filtering minds.
 *
 * @throws UserError where filtering is strict and the setting read-only.
 */
export function heedMarks(): void {
  try {
    writeSrcValidMark('1')
  } catch (cause) {
    if (!isFilterStrict()) return
    throw new UserError(
      'Reverse path filtering is strict here and /proc/sys is read-only, so WireGuard’s answers would be dropped. Set net.ipv4.conf.all.src_valid_mark=1 from outside (docker run --sysctl net.ipv4.conf.all.src_valid_mark=1).',
      { cause },
    )
  }
}

/** The larger of a device's setting and that of all of them holds; 1 is strict. */
function isFilterStrict(): boolean {
  const folder = '/proc/sys/net/ipv4/conf'
  const setting = (name: string) => Number(readFileSync(`${folder}/${name}/rp_filter`, 'utf8'))
  return readdirSync(folder)
    .filter((name) => name !== 'lo')
    .some((name) => Math.max(setting('all'), setting(name)) === 1)
}

const families = (routes: TunnelRoutes): readonly (4 | 6)[] => (routes.ipv6 ? [4, 6] : [4])

const gatewayOf = (routes: TunnelRoutes, family: 4 | 6): string =>
  family === 6 ? `${routes.gateway6}/128` : `${routes.gateway4}/32`

const tableOf = (routes: TunnelRoutes, family: 4 | 6): readonly string[][] => [
  [gatewayOf(routes, family), 'dev', routes.interface, 'table', String(routes.table)],
  ['default', 'dev', routes.interface, 'table', String(routes.table)],
  ['unreachable', 'default', 'metric', lastMetric, 'table', String(routes.table)],
]

function rulesOf(routes: TunnelRoutes, family: 4 | 6): readonly string[][] {
  const table = String(routes.table)
  const { address, tcpPort } = routes.endpoint
  const isOwnFamily = address.includes(':') === (family === 6)
  const rules = [
    // A network of the user's may overlap the tunnel's: the gateway is always inside.
    ['to', gatewayOf(routes, family), 'table', table],
    // The provider's payment port stays reachable from outside, to speak to it while the tunnel is down.
    ...(isOwnFamily
      ? [['to', address, 'ipproto', protocols.tcp, 'dport', String(tcpPort), 'table', 'main']]
      : []),
    // Not even a resolver of the local network hears a name in the moment after a firewall was reloaded.
    ...[protocols.udp, protocols.tcp].map((protocol) => ['ipproto', protocol, 'dport', '53', 'table', table]),
    [...nearOnly],
    ['not', 'fwmark', table, 'table', table],
  ]
  return rules.map((words, index) => [...words, 'priority', String(firstPriority + index)])
}
