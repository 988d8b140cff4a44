import type { Bytes, Result } from '@pontage/shared'
import {
  addWireguardPeer,
  applyIp,
  bringUp,
  configureWireguard,
  createWireguard,
  proxyInUse,
  removeWireguardPeer,
  type WireguardEndpoint,
  type WireguardInterface,
  type WireguardKeyPair,
  wireguardKeyFromHex,
} from '@pontage/shared/node'
import type { Policy } from '../../core/policy.js'
import { type ConnectionRecord, writeConnection } from '../home/connectionFile.js'
import { boundSocketsPart } from './boundSockets.js'
import { bypassPart } from './bypass.js'
import { deviceTraffic } from './deviceTraffic.js'
import { type DnsChange, resolverPart } from './dns.js'
import { forwardingPart } from './gateway.js'
import { guestDevices } from './guests.js'
import {
  type Asked,
  loadGuests,
  loadShutRules,
  loadTunnelRules,
  namedGuests,
  printRules,
} from './killSwitch.js'
import { type Meter, openMeter } from './meter.js'
import { findPathMtu, knownMtu, type PathMtu } from './pathMtu.js'
import { placeOf, removeTunnel, restoreMachine, unlessGone } from './restore.js'
import { heedMarks } from './reversePath.js'
import { routesPart } from './routing.js'
import { greetingAgain } from './tunnelHealth.js'
import type { Upkeep } from './upkeep.js'
import { removeWall, wallPart, wallStands } from './wall.js'
import { wayPart } from './way.js'

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
    // One that is moved into a namespace of programs is not to be seen from here.
    ...(record.netns === undefined ? { flowed: () => deviceTraffic(record.interface) } : {}),
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
  const { address, tcpPort } = record.endpoint
  const shutIn = async () => {
    await upkeep.put('firewall', { gone: '', look: () => printRules(where), apply: () => meter.reload() })
    await keepGuests(upkeep, record)
    // WireGuard greets as soon as it knows whom, and after a greeting that was refused not for another five seconds.
    const isWalled = isEverywhere && (await wallStands())
    if (isWalled)
      await upkeep.put(
        'wall',
        wallPart({ ...wallOf(record, { addresses: [address], tcpPort }), mark: record.table }),
      )
    // Through a wall that knows its mark: else nothing would be known of its way.
    return { isWalled, known: await knownMtu(way) }
  }
  // Without addresses and peers nothing goes through it yet.
  const [{ isWalled, known }, made] = await together([shutIn(), createWireguard(record.interface)])
  // A wireguard-go hears of the size only where it was made, and pads what is larger than it knows beyond what fits.
  if (record.netns) await applyIp([['link', 'set', 'dev', made.name, 'mtu', String(known)]])
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
    // Only now, so that a firewall that is reloaded opens nothing while the tunnel is being built.
    await upkeep.drop('wall')
    if (isWalled) await removeWall()
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
      await upkeep.drop(
        'firewall',
        'guests',
        'bypass',
        'forwarding',
        'routes',
        'devices',
        'way',
        'wall',
        'resolver',
      )
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
  const { allowLan, netns } = record
  const where = placeOf(record)
  await upkeep.drop('routes', 'way', 'resolver')
  const shut = async () =>
    loadShutRules(
      policy,
      { asked: netns ? undefined : asked, allowLan, guests: await guestsOf(record) },
      where,
    )
  await unlessGone(netns, upkeep.put('firewall', { gone: '', look: () => printRules(where), apply: shut }))
  await keepGuests(upkeep, record)
  const opened = policy.endpoint === 'payment-port' ? asked : undefined
  if (netns === undefined) {
    await upkeep.put('wall', wallPart(wallOf(record, opened)))
    await upkeep.put('devices', boundSocketsPart(allowLan ? 'open' : 'shut', record))
  }
  if (record.state === 'connected') await removeTunnel(record)
  const blocked: ConnectionRecord = { ...record, state: 'blocked' }
  await writeConnection(home, blocked)
  return blocked
}

const wallOf = (record: ConnectionRecord, asked: Asked | undefined) => {
  return { asked, allowLan: record.allowLan, gatewayFor: gatewayFor(record) }
}

/** A namespace of programs has none. */
async function guestsOf(record: ConnectionRecord): Promise<string[]> {
  if (record.netns !== undefined) return []
  const guests = await guestDevices(gatewayFor(record))
  hadGuests ||= guests.length > 0
  return guests
}
/** Where there never was one, the kill switch names none either, and need not be asked. */
let hadGuests = false

const gatewayFor = ({ gateway }: ConnectionRecord): readonly string[] => gateway?.devices ?? []

/** Bridges come and go while a connection stands. */
async function keepGuests(upkeep: Upkeep, record: ConnectionRecord): Promise<void> {
  if (record.netns !== undefined) return
  await upkeep.put('guests', {
    right: '',
    look: async () => {
      const wanted = await guestsOf(record)
      const named = hadGuests ? await namedGuests() : []
      return `${wanted}` === `${named}` ? '' : `${wanted} in place of ${named}`
    },
    apply: async () => loadGuests(await guestsOf(record)),
  })
  await upkeep.put('bypass', bypassPart)
  if (record.gateway) await upkeep.put('forwarding', forwardingPart(record.gateway, record.interface))
}
