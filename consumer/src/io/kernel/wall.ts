import { applyIp, undoIp } from '@pontage/shared/node'
import { nameAsker } from '../../core/killSwitch.js'
import { guestNetworks } from './guests.js'
import type { Asked } from './killSwitch.js'
import { nearOnly } from './nearOnly.js'
import { protocols } from './protocols.js'
import { families, type Rule, rulesAndRoutes } from './rulesAndRoutes.js'
import type { Part } from './upkeep.js'

/** The wall stands in one of two places, and a new one is built in the other: there is always one. */
const wallPlaces = [32_010, 32_042] as const
const maxWallRules = 32
/** Of one host in one family that are tried. */
const maxAddresses = 8
const maxGuestNetworks = 12

/** What may pass where nothing may: see {@link wallPart}. */
export interface Wall {
  readonly asked: Asked | undefined
  readonly allowLan: boolean
  /** Names of devices that this machine is a gateway for. */
  readonly gatewayFor: readonly string[]
  /** On the packets of a tunnel that is being built behind it. */
  readonly mark?: number
}

/**
 * A second layer of the kill switch for when there is no tunnel: rules that answer "unreachable". They hold when somebody
 * reloads the firewall and takes ours away with it, also when no program is left that could put it back.
 */
export function wallPart(wall: Wall): Part {
  return {
    gone: '',
    async look() {
      // Networks of guests come and go.
      const guests = await guestNetworks(wall.gatewayFor)
      const found = await Promise.all(
        families().map(async (family) => {
          const walls = await wallsOf(family)
          return walls.length === wallOf(wall, guests, family).length ? walls : undefined
        }),
      )
      if (found.includes(undefined)) return ''
      return [...guests, ...found.flat().map((rule) => JSON.stringify({ ...rule, priority: 0 }))].join('\n')
    },
    async apply() {
      const guests = await guestNetworks(wall.gatewayFor)
      for (const family of families()) {
        const old = await wallsOf(family)
        const [first, second] = wallPlaces
        const place = old.some(({ priority }) => isIn(first, priority)) ? second : first
        const [inTheWay, before] = [true, false].map((is) =>
          old.filter(({ priority }) => isIn(place, priority) === is),
        )
        await deleteRules(inTheWay, family)
        await applyIp(
          wallOf(wall, guests, family)
            .map((words, index) => ['rule', 'add', ...words, 'priority', String(place + index)])
            // The wall first, then what passes: nothing leaves meanwhile.
            .reverse(),
          { family },
        )
        await deleteRules(before, family)
      }
    },
  }
}

/** Takes the wall away. One that is not there is no error. */
export async function removeWall(): Promise<void> {
  await Promise.all(families().map(async (family) => deleteRules(await wallsOf(family), family)))
}

/** Whether anything of {@link wallPart} is in force. */
export const wallStands = async (): Promise<boolean> => (await wallFamilies()).some((stands) => stands)

/** Whether it is in force in each family that there is. */
export const wallIsWhole = async (): Promise<boolean> => (await wallFamilies()).every((stands) => stands)

const wallFamilies = (): Promise<boolean[]> =>
  Promise.all(families().map(async (family) => (await wallsOf(family)).length > 0))

const deleteRules = (rules: readonly Rule[] = [], family: 4 | 6): Promise<void> =>
  undoIp(
    rules.map(({ priority }) => ['rule', 'delete', 'priority', String(priority)]),
    { family },
  )

const wallsOf = async (family: 4 | 6): Promise<Rule[]> =>
  (await rulesAndRoutes(family)).rules.filter(({ priority }) => isWalls(priority))

const isIn = (place: number, priority: number): boolean =>
  priority >= place && priority < place + maxWallRules

/** Whether a rule of this priority is of a wall. */
export const isWalls = (priority: number): boolean => wallPlaces.some((place) => isIn(place, priority))

/** What keeps the link alive passes, as in the firewall, and what is asked of a provider. */
function wallOf(
  { asked, allowLan, mark }: Wall,
  guests: readonly string[],
  family: 4 | 6,
): readonly string[][] {
  const [from, to] = family === 6 ? ['546', '547'] : ['68', '67']
  const addresses = (asked?.addresses ?? []).filter((each) => each.includes(':') === (family === 6))
  return [
    ...(mark === undefined ? [] : [['fwmark', String(mark), 'table', 'main']]),
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
