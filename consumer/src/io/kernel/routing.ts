import { readFileSync, writeFileSync } from 'node:fs'
import { applyIp, CommandFailed, deleteWireguard, runCommand } from '@pontage/shared/node'

/** How the tunnel is routed: as wg-quick does it, with two rules more. */
export interface TunnelRoutes {
  readonly interface: string
  /** Number of the tunnel's own routing table; WireGuard's packets carry it as their mark. */
  readonly table: number
  readonly endpoint: { readonly address: string; readonly tcpPort: number }
  readonly gateway4: string
  readonly gateway6: string
  readonly ipv6: boolean
}

/** Our rules stand together, before the system's own (32766). */
const firstPriority = 32_000
const maxRules = 4
const lastMetric = '4294967295'

/** Makes the other end of the tunnel reachable, and nothing else; {@link addRoutes} makes the rest. */
export async function addGatewayRoutes(routes: TunnelRoutes): Promise<void> {
  for (const family of families(routes)) {
    const [toGateway = []] = rulesOf(routes, family)
    const [gateway = []] = tableOf(routes, family)
    await applyIp(
      [
        ['route', 'add', ...gateway],
        ['rule', 'add', ...toGateway],
      ],
      { family },
    )
  }
}

/**
 * Sends everything into the tunnel but WireGuard's own packets, and behind it a wall: when the interface is
 * gone, the table answers "unreachable" instead of letting packets fall through to the old default route.
 * What {@link addGatewayRoutes} makes stands already.
 */
export async function addRoutes(routes: TunnelRoutes): Promise<void> {
  for (const family of families(routes))
    await applyIp(
      [
        ...tableOf(routes, family)
          .slice(1)
          .map((words) => ['route', 'add', ...words]),
        ...rulesOf(routes, family)
          .slice(1)
          .map((words) => ['rule', 'add', ...words]),
      ],
      { family },
    )
}

/** Undoes {@link addGatewayRoutes} and {@link addRoutes}, also one that stopped half-way. What is gone already is no error. */
export async function removeRoutes(routes: TunnelRoutes): Promise<void> {
  for (const family of families(routes)) {
    for (const words of rulesOf(routes, family)) await tolerantly(family, ['rule', 'delete', ...words])
    for (const words of tableOf(routes, family)) await tolerantly(family, ['route', 'delete', ...words])
  }
}

/**
 * Removes our rules, known by their priorities, with the table they lead to and the tunnel behind it: for when no
 * record says what was made.
 */
export async function sweepRoutes(): Promise<void> {
  for (const family of [4, 6] as const) {
    const { stdout } = await runCommand(['ip', `-${family}`, '-json', 'rule', 'show'])
    const rules = JSON.parse(stdout || '[]') as { priority: number; table?: string }[]
    const ours = rules.filter(
      ({ priority }) => priority >= firstPriority && priority < firstPriority + maxRules,
    )
    for (const { priority } of ours)
      await tolerantly(family, ['rule', 'delete', 'priority', String(priority)])
    for (const table of new Set(ours.map((rule) => rule.table)))
      if (table !== undefined && /^\d+$/.test(table)) await sweepTable(family, table)
  }
}

async function sweepTable(family: 4 | 6, table: string): Promise<void> {
  const { stdout } = await runCommand(['ip', `-${family}`, '-json', 'route', 'show', 'table', table])
  const routes = JSON.parse(stdout || '[]') as { dev?: string; type?: string }[]
  await tolerantly(family, ['route', 'flush', 'table', table])
  // Of IPv6 a flush leaves the wall behind.
  await tolerantly(family, ['route', 'delete', 'unreachable', 'default', 'table', table])
  // The wall behind the tunnel is written as a way to the loopback.
  const devices = routes.flatMap(({ dev, type }) => (type === undefined && dev && dev !== 'lo' ? [dev] : []))
  for (const name of devices) await deleteWireguard({ name, kind: 'userspace' })
}

/** A routing table that nobody uses, and so a mark that nobody uses. */
export async function freeTable(): Promise<number> {
  const said: string[] = []
  for (const family of ['-4', '-6'])
    for (const words of [
      ['rule', 'show'],
      ['route', 'show', 'table', 'all'],
    ])
      said.push(
        await runCommand(['ip', family, ...words]).then(
          ({ stdout }) => stdout,
          () => '', // A machine without IPv6 has no tables for it.
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
    ...(isOwnFamily ? [['to', address, 'ipproto', 'tcp', 'dport', String(tcpPort), 'table', 'main']] : []),
    ['table', 'main', 'suppress_prefixlength', '0'],
    ['not', 'fwmark', table, 'table', table],
  ]
  return rules.map((words, index) => [...words, 'priority', String(firstPriority + index)])
}

async function tolerantly(family: 4 | 6, words: readonly string[]): Promise<void> {
  try {
    await applyIp([words], { family })
  } catch (error) {
    const isGone =
      error instanceof CommandFailed &&
      /no such (file|process|device)|cannot find device|does not exist/i.test(error.stderr)
    if (!isGone) throw error
  }
}
