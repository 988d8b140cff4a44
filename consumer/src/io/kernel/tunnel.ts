import type { Bytes, Result } from '@pontage/shared'
import {
  applyIp,
  bringUp,
  Closers,
  configureWireguard,
  createWireguard,
  deleteTable,
  deleteWireguard,
  UserError,
  type WireguardInterface,
  type WireguardKeyPair,
  wireguardKeyFromHex,
} from '@pontage/shared/node'
import { killSwitchTable } from '../../core/killSwitch.js'
import type { Policy } from '../../core/policy.js'
import { type ConnectionRecord, forgetConnection, writeConnection } from '../home/connectionFile.js'
import { applyDns, restoreDns } from './dns.js'
import { loadShutRules, loadTunnelRules } from './killSwitch.js'
import { removeNamespace } from './namespace.js'
import { findPathMtu, knownMtu, type PathMtu } from './pathMtu.js'
import { addGatewayRoutes, addRoutes, removeRoutes, writeSrcValidMark } from './routing.js'

/** What the provider gave for one session. */
export type TunnelOffer = Result<'open'>['tunnel']

/** Seconds between the packets that keep a mapping open in a router on the way. */
const keepaliveSeconds = 25

/**
 * Puts the kill switch on, then brings the tunnel up: for the whole machine, or inside the record's namespace of
 * programs. Its packets are made as large as the path to the provider takes. What is changed was written to the connection's record before, so that {@link restoreMachine} can undo
 * it from any point.
 */
export async function raiseTunnel(options: {
  record: ConnectionRecord
  offer: TunnelOffer
  keys: WireguardKeyPair
  limit: Bytes | undefined
}): Promise<{ tunnel: WireguardInterface; path: PathMtu }> {
  const { record, offer, keys, limit } = options
  const where = placeOf(record)
  const isEverywhere = record.netns === undefined
  const { address4, address6, gateway4, gateway6, dns } = offer
  await loadTunnelRules(
    {
      interface: record.interface,
      fwmark: record.table,
      endpoint: isEverywhere ? { ...record.endpoint, udpPort: offer.port } : undefined,
      ...{ address4, address6, gateway4, gateway6, dns, limit },
      allowLan: record.allowLan,
    },
    where,
  )
  const made = await createWireguard(record.interface)
  await configureWireguard(made, {
    privateKey: keys.privateKey,
    fwmark: record.table,
    peers: [
      {
        publicKey: wireguardKeyFromHex(offer.publicKey),
        presharedKey: wireguardKeyFromHex(offer.presharedKey),
        allowedIps: ['0.0.0.0/0', '::/0'],
        endpoint: { host: record.endpoint.address, port: offer.port },
        keepaliveSeconds,
      },
    ],
  })
  // Its packets go on leaving where it was made: the programs inside see nothing but the tunnel.
  if (record.netns) await applyIp([['link', 'set', 'dev', made.name, 'netns', record.netns.name]])
  const tunnel = { ...made, ...where }
  const addresses = [`${address4}/32`, ...(record.ipv6 ? [`${address6}/128`] : [])]
  const way = { endpoint: record.endpoint.address, mark: record.table, offered: offer.mtu }
  await bringUp(tunnel.name, { mtu: await knownMtu(way), addresses }, where)
  if (isEverywhere) {
    writeSrcValidMark('1')
    await addGatewayRoutes(record)
  } else await applyIp([['route', 'add', `${gateway4}/32`, 'dev', tunnel.name]], where)
  // Before anything else goes in: a connection keeps the size that it began with.
  const path = await findPathMtu({ ...way, tunnel, gateway4 })
  await applyIp([['link', 'set', 'dev', tunnel.name, 'mtu', String(path.mtu)]], where)
  if (isEverywhere) {
    await addRoutes(record)
    if (record.dns) await applyDns(record.dns, record.interface, dns)
  } else
    for (const family of record.ipv6 ? ([4, 6] as const) : ([4] as const))
      await applyIp([['route', 'add', 'default', 'dev', tunnel.name]], { ...where, family })
  return { tunnel, path }
}

/**
 * Puts a policy into force.
 *
 * @param record - What stands on the machine.
 * @param news.planned - Written down before anything of it is changed; {@link raiseTunnel} changes it.
 * @returns What stands on the machine now.
 */
export async function enforce(
  home: string,
  policy: Policy,
  record: ConnectionRecord | undefined,
  news: { asked?: { address: string; tcpPort: number }; planned?: ConnectionRecord },
): Promise<ConnectionRecord | undefined> {
  switch (policy.rules) {
    case 'none':
      if (record) await restoreMachine(home, record)
      return undefined
    case 'shut':
      return record && shutMachine(home, policy, record, news.asked)
    case 'tunnel':
      if (news.planned) await writeConnection(home, news.planned)
      return news.planned ?? record
  }
}

/** The tunnel goes, the kill switch stays. */
async function shutMachine(
  home: string,
  policy: Policy,
  record: ConnectionRecord,
  asked: { address: string; tcpPort: number } | undefined,
): Promise<ConnectionRecord> {
  const { allowLan } = record
  await loadShutRules(policy, { asked: record.netns ? undefined : asked, allowLan }, placeOf(record))
  if (record.state === 'connected') await removeTunnel(record)
  const blocked: ConnectionRecord = { ...record, state: 'blocked' }
  await writeConnection(home, blocked)
  return blocked
}

/**
 * Undoes everything a connection changed, and forgets it. Each step is tried whatever became of the others, the kill
 * switch last: the network opens even where something is left over.
 *
 * @throws UserError saying what could not be undone; the record stays then, so that it can be tried again.
 */
export async function restoreMachine(home: string, record: ConnectionRecord): Promise<void> {
  const undoing = new Closers()
  undoing.add('the kill switch', () =>
    record.netns?.isOurs
      ? removeNamespace(record.netns.name)
      : deleteTable('inet', killSwitchTable, placeOf(record)),
  )
  addTunnel(undoing, record)
  await undoing.close().catch((cause: AggregateError) => {
    const left = cause.errors.map(({ message }) => message).join('; ')
    throw new UserError(`Not everything could be undone: ${left}. Run "pontage disconnect" again.`, { cause })
  })
  await forgetConnection(home)
}

async function removeTunnel(record: ConnectionRecord): Promise<void> {
  const undoing = new Closers()
  addTunnel(undoing, record)
  await undoing.close()
}

/** What a tunnel changed besides the firewall; undone in reverse. */
function addTunnel(undoing: Closers, record: ConnectionRecord): void {
  const { netns, dns } = record
  if (netns === undefined) undoing.add('src_valid_mark', () => writeSrcValidMark(record.srcValidMark))
  // Who made the interface may have died before it could be written down, or before it was moved: this undoes all.
  else undoing.add('the interface', () => deleteWireguard({ name: record.interface, kind: 'userspace' }))
  undoing.add('the tunnel', () =>
    deleteWireguard({ name: record.interface, kind: 'userspace', ...placeOf(record) }),
  )
  if (netns !== undefined) return
  if (dns) undoing.add('the resolver', () => restoreDns(dns, record.interface))
  undoing.add('routes', () => removeRoutes(record))
}

const placeOf = ({ netns }: ConnectionRecord): { netns?: string } => (netns ? { netns: netns.name } : {})
