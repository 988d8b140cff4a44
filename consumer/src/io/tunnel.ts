import type { Bytes, Result } from '@pontage/shared'
import {
  applyRuleset,
  bringUp,
  configureWireguard,
  createWireguard,
  deleteTable,
  deleteWireguard,
  type WireguardInterface,
  type WireguardKeyPair,
  wireguardKeyFromHex,
} from '@pontage/shared/node'
import { type ConnectionRecord, forgetConnection, writeConnection } from './connectionFile.js'
import { blockedRuleset, killSwitchTable, tunnelRuleset } from './killSwitch.js'
import { addRoutes, removeRoutes, writeSrcValidMark } from './routing.js'

/** What the provider gave for one session. */
export type TunnelOffer = Result<'open'>['tunnel']

/** Seconds between the packets that keep a mapping open in a router on the way. */
const keepaliveSeconds = 25

/**
 * Puts the kill switch on, then brings the tunnel up. What is changed was written to the connection's record
 * before, so that {@link restoreMachine} can undo it from any point.
 */
export async function raiseTunnel(options: {
  record: ConnectionRecord
  offer: TunnelOffer
  keys: WireguardKeyPair
  limit: Bytes | undefined
}): Promise<WireguardInterface> {
  const { record, offer, keys, limit } = options
  await applyRuleset(
    tunnelRuleset({
      interface: record.interface,
      fwmark: record.table,
      endpoint: { ...record.endpoint, udpPort: offer.port },
      address4: offer.address4,
      address6: offer.address6,
      gateway4: offer.gateway4,
      gateway6: offer.gateway6,
      dns: offer.dns,
      limit,
    }),
  )
  const tunnel = await createWireguard(record.interface)
  await configureWireguard(tunnel, {
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
  const addresses = [`${offer.address4}/32`, ...(record.ipv6 ? [`${offer.address6}/128`] : [])]
  await bringUp(tunnel.name, { mtu: offer.mtu, addresses })
  writeSrcValidMark('1')
  await addRoutes(record)
  return tunnel
}

/** The tunnel goes, the kill switch stays: from here on nothing leaves but what keeps the link itself alive. */
export async function blockMachine(home: string, record: ConnectionRecord): Promise<void> {
  await applyRuleset(blockedRuleset())
  await removeTunnel(record)
  await writeConnection(home, { ...record, state: 'blocked' })
}

/** Undoes everything a connection changed, and forgets it. The kill switch goes last. */
export async function restoreMachine(home: string, record: ConnectionRecord): Promise<void> {
  await removeTunnel(record)
  await deleteTable('inet', killSwitchTable)
  await forgetConnection(home)
}

async function removeTunnel(record: ConnectionRecord): Promise<void> {
  await removeRoutes(record)
  // Who made the interface may have died before it could be written down; this undoes either kind.
  await deleteWireguard({ name: record.interface, kind: 'userspace' })
  writeSrcValidMark(record.srcValidMark)
}
