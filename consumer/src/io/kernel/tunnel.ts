import type { Bytes, Result } from '@pontage/shared'
import {
  addWireguardPeer,
  applyIp,
  bringUp,
  configureWireguard,
  createWireguard,
  deleteTable,
  deleteWireguard,
  proxyInUse,
  removeWireguardPeer,
  UserError,
  type WireguardEndpoint,
  type WireguardInterface,
  type WireguardKeyPair,
  wireguardKeyFromHex,
} from '@pontage/shared/node'
import { killSwitchTable } from '../../core/killSwitch.js'
import type { Policy } from '../../core/policy.js'
import { type ConnectionRecord, forgetConnection, writeConnection } from '../home/connectionFile.js'
import { boundSocketsPart, removeBoundSockets } from './boundSockets.js'
import {
  type DnsChange,
  resolverByHand,
  resolverFile,
  resolverPart,
  restoreDns,
  restoreLeftFile,
} from './dns.js'
import { forwardingPart, restoreForwarding } from './gateway.js'
import { guestDevices } from './guests.js'
import { type Asked, loadGuests, loadShutRules, loadTunnelRules, printRules } from './killSwitch.js'
import { isLockedDown, loadLockdown } from './lockdown.js'
import { type Meter, openMeter } from './meter.js'
import { isForWantOf, removeNamespace } from './namespace.js'
import { findPathMtu, knownMtu, type PathMtu } from './pathMtu.js'
import {
  heedMarks,
  removeRoutes,
  removeWall,
  routesPart,
  wallPart,
  wayPart,
  writeSrcValidMark,
} from './routing.js'
import { greetingAgain } from './tunnelHealth.js'
import type { Upkeep } from './upkeep.js'

/** What the provider gave for one session. */
export type TunnelOffer = Result<'open'>['tunnel']

/** Seconds between the packets that keep a mapping open in a router on the way. */
const keepaliveSeconds = 25

/** How the kill switch counts and limits what goes through the tunnel of a record. */
export const meterOf = (
  record: ConnectionRecord,
  offer: TunnelOffer,
  limit: Bytes | undefined,
  lost: () => void,
): Meter => {
  const { address4, address6, gateway4, gateway6, dns } = offer
  return openMeter({
    ...{ limit, lost, netns: record.netns?.name },
    load: async (left) =>
      loadTunnelRules(
        {
          interface: record.interface,
          fwmark: record.table,
          endpoint:
            record.netns === undefined
              ? { ...record.endpoint, udpPort: proxyInUse() ? undefined : offer.port }
              : undefined,
          ...{ address4, address6, gateway4, gateway6, dns, limit: left },
          allowLan: record.allowLan,
          guests: await guestsOf(record),
        },
        placeOf(record),
      ),
  })
}

/**
 * Puts the kill switch on, then brings the tunnel up: for the whole machine, or inside the record's namespace of
 * programs. Its packets are made as large as the path to the provider takes. What is changed was written to the
 * connection's record before, so that {@link restoreMachine} can undo it from any point; what others change of it
 * afterwards is put back.
 *
 * @param options.carrier - Where WireGuard sends its packets at first, by now, and how that is found once it is up.
 * @param options.remember - Told when somebody else wrote the resolver file meanwhile.
 * @param options.warn - Told what goes on without.
 */
export async function raiseTunnel(options: {
  record: ConnectionRecord
  offer: TunnelOffer
  keys: WireguardKeyPair
  meter: Meter
  upkeep: Upkeep
  carrier: {
    readonly first: WireguardEndpoint | undefined
    now(): WireguardEndpoint | undefined
    race(tunnel: WireguardInterface, greet: (endpoint: WireguardEndpoint) => Promise<void>): Promise<void>
  }
  remember: (dns: DnsChange) => Promise<void>
  warn: (sentence: string) => void
}): Promise<{ tunnel: WireguardInterface; path: PathMtu }> {
  const { record, offer, keys, meter, upkeep, carrier, remember, warn } = options
  const where = placeOf(record)
  const isEverywhere = record.netns === undefined
  const { address4, address6, gateway4, dns } = offer
  const way = { endpoint: record.endpoint.address, mark: record.table, offered: offer.mtu }
  const shutIn = async () => {
    await upkeep.put('firewall', { look: () => printRules(where), apply: () => meter.reload() })
    await keepGuests(upkeep, record)
    // WireGuard greets as soon as it knows whom, and after a greeting that was refused not for another five seconds.
    if (!isEverywhere) return
    await upkeep.drop('wall')
    await removeWall()
  }
  // Without addresses and peers nothing goes through it yet.
  const [, made, known] = await together([shutIn(), createWireguard(record.interface), knownMtu(way)])
  const { first } = carrier
  await configureWireguard(made, {
    privateKey: keys.privateKey,
    fwmark: record.table,
    peers: first === undefined ? [] : [{ ...peerOf(offer), endpoint: first }],
  })
  // Its packets go on leaving where it was made: the programs inside see nothing but the tunnel.
  if (record.netns) await applyIp([['link', 'set', 'dev', made.name, 'netns', record.netns.name]])
  const tunnel = { ...made, ...where }
  const addresses = [`${address4}/32`, ...(record.ipv6 ? [`${address6}/128`] : [])]
  if (isEverywhere) {
    heedMarks()
    // What shut the machine in knew the tunnel before, and refuses what goes into this one.
    await upkeep.put('devices', boundSocketsPart('open', record))
    await upkeep.put('routes', routesPart(record, { addresses, mtu: known }, 'gateway'))
  } else {
    await bringUp(tunnel.name, { mtu: known, addresses }, where)
    await applyIp([['route', 'add', `${gateway4}/32`, 'dev', tunnel.name]], where)
  }
  const greet = (endpoint: WireguardEndpoint) => greetAt(tunnel, offer, endpoint)
  const raced = carrier.race(tunnel, greet)
  // Before anything else goes in: a connection keeps the size that it began with.
  const path = await greetingAgain(
    tunnel,
    async () => {
      const endpoint = carrier.now()
      if (endpoint) await greet(endpoint)
    },
    () => findPathMtu({ ...way, tunnel, gateway4 }, known),
  ).finally(() => raced)
  if (isEverywhere) {
    await upkeep.put('routes', routesPart(record, { addresses, mtu: path.mtu }, 'all'))
    await upkeep.put('way', wayPart(record))
    if (record.dns)
      await upkeep
        .put('resolver', resolverPart(record.dns, record.interface, dns, remember))
        .catch((error: Error) =>
          warn(
            `The resolver could not be set (${error.message}); the firewall leads questions for names into the tunnel all the same.`,
          ),
        )
  } else {
    await applyIp([['link', 'set', 'dev', tunnel.name, 'mtu', String(path.mtu)]], where)
    for (const family of record.ipv6 ? ([4, 6] as const) : ([4] as const))
      await applyIp([['route', 'add', 'default', 'dev', tunnel.name]], { ...where, family })
  }
  return { tunnel, path }
}

/** All of them to their ends: where one fails, what the others make is there by then, and can be undone. */
async function together<Results extends readonly unknown[]>(
  work: readonly [...{ [Index in keyof Results]: Promise<Results[Index]> }],
): Promise<Results> {
  await Promise.allSettled(work)
  return Promise.all(work) as unknown as Promise<Results>
}

/** The provider's end, wherever it is. */
const peerOf = (offer: TunnelOffer) => ({
  publicKey: wireguardKeyFromHex(offer.publicKey),
  presharedKey: wireguardKeyFromHex(offer.presharedKey),
  allowedIps: ['0.0.0.0/0', '::/0'],
  keepaliveSeconds,
})

/**
 * Has a tunnel send its packets somewhere, and greet the other end there: a peer that is new is greeted at once, one that is
 * known after up to fifteen seconds, and the other end may have begun anew meanwhile.
 */
export async function greetAt(
  tunnel: WireguardInterface,
  offer: TunnelOffer,
  endpoint: WireguardEndpoint,
): Promise<void> {
  const peer = peerOf(offer)
  await removeWireguardPeer(tunnel, peer.publicKey)
  await addWireguardPeer(tunnel, { ...peer, endpoint })
}

/**
 * Puts a policy into force.
 *
 * @param record - What stands on the machine.
 * @param news.planned - Written down before anything of it is changed; {@link raiseTunnel} changes it.
 * @returns What stands on the machine now.
 */
export async function enforce(
  { home, upkeep }: { home: string; upkeep: Upkeep },
  policy: Policy,
  record: ConnectionRecord | undefined,
  news: { asked?: Asked; planned?: ConnectionRecord },
): Promise<ConnectionRecord | undefined> {
  switch (policy.rules) {
    case 'none':
      await upkeep.drop('firewall', 'guests', 'forwarding', 'routes', 'devices', 'way', 'wall', 'resolver')
      if (record) await restoreMachine(home, record)
      return undefined
    case 'shut':
      return record && shutMachine({ home, upkeep }, policy, record, news.asked)
    case 'tunnel':
      if (news.planned) await writeConnection(home, news.planned)
      return news.planned ?? record
  }
}

/** The tunnel goes, the kill switch stays, and behind it a wall that no reload of a firewall takes away. */
async function shutMachine(
  { home, upkeep }: { home: string; upkeep: Upkeep },
  policy: Policy,
  record: ConnectionRecord,
  asked: Asked | undefined,
): Promise<ConnectionRecord> {
  const { allowLan, ipv6, netns } = record
  const where = placeOf(record)
  await upkeep.drop('routes', 'way', 'resolver')
  const shut = async () =>
    loadShutRules(
      policy,
      { asked: netns ? undefined : asked, allowLan, guests: await guestsOf(record) },
      where,
    )
  await unlessGone(netns, upkeep.put('firewall', { look: () => printRules(where), apply: shut }))
  await keepGuests(upkeep, record)
  const opened = policy.endpoint === 'payment-port' ? asked : undefined
  if (netns === undefined) {
    await upkeep.put('wall', wallPart({ asked: opened, allowLan, ipv6, gatewayFor: gatewayFor(record) }))
    await upkeep.put('devices', boundSocketsPart(allowLan ? 'open' : 'shut', record))
  }
  if (record.state === 'connected') await removeTunnel(record)
  const blocked: ConnectionRecord = { ...record, state: 'blocked' }
  await writeConnection(home, blocked)
  return blocked
}

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
            byHand: 'ip rule del priority 32010',
          },
          {
            what: 'the rules for what is bound to a device',
            undo: removeBoundSockets,
            byHand: 'ip rule del table 31900; ip route flush table 31900',
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
  if (left.length === 0) return forgetConnection(home)
  const isShut = left.some(({ what }) => what === 'the kill switch')
  throw new NotRestored(
    `Not everything could be undone. ${isShut ? 'The network is still shut' : 'The network is open'}; left are: ${left.map(inWords).join('; ')}. Mend that and run "pontage disconnect" again, or forget it with "pontage unlock --yes".`,
  )
}

async function removeTunnel(record: ConnectionRecord): Promise<void> {
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
async function unlessGone(netns: ConnectionRecord['netns'], undone: Promise<void>): Promise<void> {
  try {
    await undone
  } catch (error) {
    if (!(await isForWantOf(netns?.name, error))) throw error
  }
}

/** A namespace of programs has none. */
const guestsOf = (record: ConnectionRecord): Promise<string[]> =>
  record.netns === undefined ? guestDevices(gatewayFor(record)) : Promise.resolve([])

const gatewayFor = ({ gateway }: ConnectionRecord): readonly string[] => gateway?.devices ?? []

/** Bridges come and go while a connection stands. */
async function keepGuests(upkeep: Upkeep, record: ConnectionRecord): Promise<void> {
  if (record.netns !== undefined) return
  await upkeep.put('guests', {
    look: async () => (await guestsOf(record)).join(' '),
    apply: async () => loadGuests(await guestsOf(record)),
  })
  if (record.gateway) await upkeep.put('forwarding', forwardingPart(record.gateway, record.interface))
}

const placeOf = ({ netns }: ConnectionRecord): { netns?: string } => (netns ? { netns: netns.name } : {})
