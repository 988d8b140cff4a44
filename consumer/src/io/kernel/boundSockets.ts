import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { applyIp, isPlainInterface, undoIp } from '@pontage/shared/node'
import { guestDevices } from './guests.js'
import { nearOnly } from './nearOnly.js'
import { protocols } from './protocols.js'
import { type Rule, rulesAndRoutes } from './rulesAndRoutes.js'
import type { Part } from './upkeep.js'

// Linux sends what a socket is bound to a device for straight onto that device's link where no route is found, and "unreachable"
// counts as none (ip_route_output_key_hash_rcu: "Apparently, routing tables are wrong"). A router that answers for everybody, or
// a line with nobody else at its end, then carries it. So behind the firewall each device has a route that is found and refuses
// what programs send: one for broadcasts. IPv6 refuses by itself.

/** Before the rules of the tunnel and of the wall. */
export const firstBoundPriority = 31_900
const maxRules = 90
const table = '31900'
const rulesEach = 6
const maxDevices = maxRules / rulesEach
/** Devices that come and go are tried for again at once so often, then in the next round. */
const mostTries = 5

/**
 * What programs send that are bound to a device, refused, to be kept in force in the second layer of the kill switch.
 *
 * @param lan - What of a device's own network passes: all but questions for names, or nothing that a program sends.
 * @param record - Its tunnel is none of these devices, and what it is a gateway for is not either.
 */
export function boundSocketsPart(
  lan: 'open' | 'shut',
  record?: { interface: string; gateway?: { devices: readonly string[] } },
): Part {
  const wanted = async () =>
    (await devices(record?.gateway?.devices))
      .filter((name) => name !== record?.interface)
      .slice(0, maxDevices)
      .map((name) => ({ name, isUp: isUp(name) }))
  /** For which devices, and how the kernel printed it afterwards. */
  let applied: { readonly found: Awaited<ReturnType<typeof wanted>>; readonly printed: string } | undefined
  return {
    right: 'as applied',
    look: async () => {
      const now = { found: await wanted(), printed: await print() }
      return isDeepStrictEqual(now, applied) ? 'as applied' : JSON.stringify(now)
    },
    async apply() {
      applied = undefined
      for (let tries = 0; tries < mostTries; tries++) {
        await removeBoundSockets()
        const found = await wanted()
        const commands = commandsFor(found, lan)
        // One that went meanwhile keeps the others from nothing.
        const failure = await applyIp(commands, { force: true }).catch((error: Error) => error)
        const isStill = isDeepStrictEqual(found, await wanted())
        if (isStill && failure) throw failure
        const printed = await print()
        if (failure || printed.split('\n').length < commands.length) continue
        applied = { found, printed }
        return
      }
    },
  }
}

const commandsFor = (
  found: readonly { name: string; isUp: boolean }[],
  lan: 'open' | 'shut',
): readonly string[][] => [
  // One that is down has no routes, and sends nothing.
  ...found
    .filter((device) => device.isUp)
    .map(({ name }, index) => [
      ...['route', 'add', 'broadcast', 'default', 'dev', name, 'table', table],
      ...['metric', String(index)],
    ]),
  ...found
    .flatMap(({ name }) => rulesOf(name, lan))
    .map((words, index) => ['rule', 'add', ...words, 'priority', String(firstBoundPriority + index)]),
]

/** Takes these rules and routes away. That there are none is no error. */
export async function removeBoundSockets(): Promise<void> {
  const { rules, routes } = await ours()
  await undoIp(
    [
      ...rules.map(({ priority }) => ['rule', 'delete', 'priority', String(priority)]),
      ...(routes.length === 0 ? [] : [['route', 'flush', 'table', table]]),
    ],
    { family: 4 },
  )
}

const rulesOf = (device: string, lan: 'open' | 'shut'): readonly string[][] => {
  const from = ['oif', device]
  const refused = ['table', table]
  return [
    [...from, 'ipproto', protocols.udp, 'sport', '68', 'dport', '67', 'table', 'main'],
    ...(lan === 'open'
      ? [protocols.udp, protocols.tcp].map((protocol) => [
          ...from,
          'ipproto',
          protocol,
          'dport',
          '53',
          ...refused,
        ])
      : [protocols.tcp, protocols.udp, protocols.icmp].map((protocol) => [
          ...from,
          'ipproto',
          protocol,
          ...refused,
        ])),
    // The kernel asks whether the router of a new default route is on the link, and names no protocol.
    [...from, ...nearOnly],
    [...from, ...refused],
  ]
}

/**
 * Names of devices that lead out of this machine: not the loopback, nor to guests, nor what belongs to a bridge. One whose name
 * is no word for a rule has the firewall alone.
 */
async function devices(gatewayFor?: readonly string[]): Promise<string[]> {
  const guests = (await guestDevices(gatewayFor)).map((word) => word.replaceAll('"', ''))
  return readdirSync('/sys/class/net')
    .filter((name) => name !== 'lo' && isPlainInterface(name) && !guests.includes(name))
    .filter((name) => !existsSync(`/sys/class/net/${name}/brport`))
    .sort()
}

function isUp(name: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${name}/flags`, 'utf8')) & 1) === 1
  } catch {
    return false
  }
}

async function print(): Promise<string> {
  const { rules, routes } = await ours()
  return [...rules, ...routes].map((each) => JSON.stringify(each)).join('\n')
}

async function ours() {
  const { rules, routes } = await rulesAndRoutes(4, [table])
  const isOurs = ({ priority }: Rule) =>
    priority >= firstBoundPriority && priority < firstBoundPriority + maxRules
  return { rules: rules.filter(isOurs), routes: routes[0] ?? [] }
}
