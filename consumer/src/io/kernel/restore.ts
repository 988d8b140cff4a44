import { deleteTable, deleteWireguard, UserError } from '@pontage/shared/node'
import { killSwitchTable } from '../../core/killSwitch.js'
import { type ConnectionRecord, connectionPath, forgetConnection } from '../home/connectionFile.js'
import { removeBoundSockets } from './boundSockets.js'
import { sweepBypass } from './bypass.js'
import { resolverByHand, resolverFile, restoreDns, restoreLeftFile } from './dns.js'
import { restoreForwarding } from './gateway.js'
import { isLockedDown, loadLockdown } from './lockdown.js'
import { isForWantOf, removeNamespace } from './namespace.js'
import { writeSrcValidMark } from './reversePath.js'
import { removeRoutes } from './routing.js'
import { removeWall } from './wall.js'

/** What could not be undone, and how to do it by hand. */
export class NotRestored extends UserError {}

/**
 * Undoes everything a connection changed, and forgets it. Each step is tried whatever became of the others, the kill
 * switch last: the network opens even where something is left over.
 *
 * @throws NotRestored saying what could not be undone; the record stays then, so that it can be tried again.
 */
export async function restoreMachine(home: string, record: ConnectionRecord): Promise<void> {
  const { netns, gateway } = record
  const steps: Undoing[] = [
    ...tunnelUndoing(record),
    ...(netns === undefined
      ? [
          {
            what: 'the rules that answer "unreachable"',
            undo: removeWall,
            byHand:
              'for each in $(seq 32010 32073); do ip rule del priority $each; ip -6 rule del priority $each; done',
          },
          {
            what: 'the rules for what is bound to a device',
            undo: removeBoundSockets,
            byHand: 'ip rule del table 31900; ip route flush table 31900',
          },
          {
            what: 'what ran beside the tunnel',
            undo: sweepBypass,
            byHand: 'nft delete table inet pontage_bypass; ip rule del priority 31890 (the same with ip -6)',
          },
        ]
      : []),
    ...(gateway === undefined
      ? []
      : [
          {
            what: 'forwarding',
            undo: () => restoreForwarding(gateway),
            byHand: Object.entries(gateway.before)
              .map(([name, value]) => `sysctl -w ${name}=${value}`)
              .join('; '),
          },
        ]),
    ...(netns === undefined && isLockedDown()
      ? [{ what: 'the lockdown', undo: loadLockdown, byHand: 'pontage lockdown on' }]
      : []),
    {
      what: 'the kill switch',
      undo: () =>
        netns?.isOurs
          ? removeNamespace(netns.name)
          : unlessGone(netns, deleteTable('inet', killSwitchTable, placeOf(record))),
      byHand: netns?.isOurs ? `ip netns delete ${netns.name}` : `nft delete table inet ${killSwitchTable}`,
    },
  ]
  const left = await undo(steps)
  if (left.length === 0) {
    const path = await connectionPath(home)
    const record = { what: 'the record of it', undo: () => forgetConnection(home), byHand: `rm ${path}` }
    left.push(...(await undo([record])))
  }
  if (left.length === 0) return
  const isShut = left.some(({ what }) => what === 'the kill switch')
  throw new NotRestored(
    `Not everything could be undone. ${isShut ? 'The network is still shut' : 'The network is open'}; left are: ${left.map(inWords).join('; ')}. Mend that and run "pontage disconnect" again, or forget it with "pontage unlock --yes".`,
  )
}

/** The tunnel alone. @throws NotRestored saying what could not be undone. */
export async function removeTunnel(record: ConnectionRecord): Promise<void> {
  const left = await undo(tunnelUndoing(record))
  if (left.length > 0)
    throw new NotRestored(`The tunnel could not be removed: ${left.map(inWords).join('; ')}.`)
}

/** One change to this machine, and how it is undone. */
interface Undoing {
  readonly what: string
  undo(): Promise<void> | void
  /** What a person types instead. */
  readonly byHand: string
}

/** Tries all of it. @returns What failed, and why. */
async function undo(steps: readonly Undoing[]): Promise<(Undoing & { error: Error })[]> {
  const left: (Undoing & { error: Error })[] = []
  for (const step of steps)
    try {
      await step.undo()
    } catch (error) {
      left.push({ ...step, error: error as Error })
    }
  return left
}

const inWords = ({ what, error, byHand }: Undoing & { error: Error }): string =>
  `${what} (${error.message}), by hand: ${byHand}`

/** What a tunnel changed besides the firewall, in the order in which it is undone. */
function tunnelUndoing(record: ConnectionRecord): Undoing[] {
  const { netns, dns, interface: name, table, srcValidMark } = record
  const isTunnel = { name, kind: 'userspace' } as const
  const tunnel: Undoing = {
    what: 'the tunnel',
    undo: () => unlessGone(netns, deleteWireguard({ ...isTunnel, ...placeOf(record) })),
    byHand: `ip link delete ${name}`,
  }
  // Who made the interface may have died before it could be written down, or before it was moved: this undoes all.
  if (netns !== undefined)
    return [tunnel, { ...tunnel, what: 'the interface', undo: () => deleteWireguard(isTunnel) }]
  return [
    {
      what: 'routes',
      undo: () => removeRoutes(record),
      byHand: `ip rule del table ${table}; ip route flush table ${table} (the same with ip -6)`,
    },
    dns
      ? { what: 'the resolver', undo: () => restoreDns(dns, name), byHand: resolverByHand(dns, name) }
      : { what: 'the resolver', undo: () => restoreLeftFile(), byHand: `edit ${resolverFile}` },
    tunnel,
    {
      what: 'src_valid_mark',
      undo: () => writeSrcValidMark(srcValidMark),
      byHand: `sysctl -w net.ipv4.conf.all.src_valid_mark=${srcValidMark}`,
    },
  ]
}

/** With a namespace went all that was in it. */
export async function unlessGone(netns: ConnectionRecord['netns'], undone: Promise<void>): Promise<void> {
  try {
    await undone
  } catch (error) {
    if (!(await isForWantOf(netns?.name, error))) throw error
  }
}

/** Where its firewall is. */
export const placeOf = ({ netns }: ConnectionRecord): { netns?: string } =>
  netns ? { netns: netns.name } : {}
