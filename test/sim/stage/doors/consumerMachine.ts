import {
  type ConnectionRecord,
  loadTunnelRules,
  type Meter,
  openMeter,
  type TunnelOffer,
} from '@pontage/consumer'
import {
  type WireguardEndpoint,
  type WireguardInterface,
  type WireguardKeyPair,
  wireguardKeyFromHex,
} from '@pontage/shared/node'
import { ownKernel } from '../../kernel/kernel.js'
import {
  addWireguardPeer,
  configureWireguard,
  createWireguard,
  deleteWireguard,
  removeWireguardPeer,
} from './wireguard.js'

// What a consumer's program asks of its machine: the tunnel, with its own rules and counters in the kernel. Routes, resolvers and
// what else keeps traffic from going beside it are not modelled: no money depends on them.

export class NotRestored extends Error {}
export const connectedNetworks = async () => []
export const planDns = async () => undefined
export const planGateway = async () => ({ devices: [], before: {} })
export const lookUpAlone = async () => undefined
export const makeNamespace = async () => undefined
export const namespaceExists = async () => false
export const isForWantOf = async () => false
export const callerOutside = () => undefined
export const readSrcValidMark = () => '0'
export const freeTable = async () => 51_820
export const speaksIpv6 = () => false
export const recursiveResolver = () => undefined
export const whyResolverFails = () => ''
export const networkPrint = async () => undefined
export const answers = async () => true
export const reachesAny = async () => undefined
export const listenerAt = () => undefined
export const deviceTraffic = () => undefined
export const bypassCommands = () => ''
export const isLockedDown = () => false
export const lockdownText = () => ''
export const keepInForce = () => ({
  put: async () => undefined,
  drop: async () => undefined,
  onChange: () => () => undefined,
  close: async () => undefined,
})

export const meterOf = (
  record: ConnectionRecord,
  offer: TunnelOffer,
  limit: Parameters<typeof openMeter>[0]['limit'],
  lost: () => void,
): Meter =>
  openMeter({
    ...{ limit, lost },
    load: (left) =>
      loadTunnelRules(
        {
          ...{ interface: record.interface, fwmark: record.table, limit: left, guests: [], allowLan: false },
          endpoint: { ...record.endpoint, udpPort: offer.port },
          ...{ address4: offer.address4, address6: offer.address6, dns: offer.dns },
          ...{ gateway4: offer.gateway4, gateway6: offer.gateway6 },
        },
        {},
      ),
  })

const peerOf = ({ publicKey, presharedKey }: TunnelOffer) => ({
  publicKey: wireguardKeyFromHex(publicKey),
  presharedKey: wireguardKeyFromHex(presharedKey),
  allowedIps: ['0.0.0.0/0', '::/0'],
})

export async function raiseTunnel(options: {
  record: ConnectionRecord
  offer: TunnelOffer
  keys: WireguardKeyPair
  meter: Meter
  carrier: { readonly first: WireguardEndpoint | undefined }
}) {
  const { record, offer, keys, meter, carrier } = options
  await meter.reload()
  const tunnel = await createWireguard(record.interface)
  const peers = carrier.first ? [{ ...peerOf(offer), endpoint: carrier.first }] : []
  await configureWireguard(tunnel, { privateKey: keys.privateKey, fwmark: record.table, peers })
  const { address4, gateway4 } = offer
  const made = ownKernel().interfaces.get(record.interface)
  if (made) made.addresses = { address4, gateway4 }
  return { tunnel, path: { mtu: offer.mtu, because: 'it was offered' } }
}

export async function greetAt(tunnel: WireguardInterface, offer: TunnelOffer, endpoint: WireguardEndpoint) {
  const peer = peerOf(offer)
  await removeWireguardPeer(tunnel, peer.publicKey)
  await addWireguardPeer(tunnel, { ...peer, endpoint })
}

export async function enforce(
  _home: unknown,
  policy: { readonly rules: 'none' | 'shut' | 'tunnel' },
  record: ConnectionRecord | undefined,
  news: { planned?: ConnectionRecord },
): Promise<ConnectionRecord | undefined> {
  if (policy.rules === 'tunnel') return news.planned ?? record
  // Other rules take the place of the tunnel's, and its counters go with them.
  ownKernel().nft.tables.clear()
  if (record) await deleteWireguard({ name: record.interface, kind: 'kernel' })
  return policy.rules === 'none' || !record ? undefined : { ...record, state: 'blocked' }
}

/** Where a machine's resolvers stand. */
export const resolverFile = '/etc/resolv.conf'
