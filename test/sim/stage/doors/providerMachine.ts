import { type MachinePlan, type Peer, raiseFirewall, readLeftTable } from '@pontage/provider'
import type { WireguardKey } from '@pontage/shared/node'
import { ownKernel } from '../../kernel/kernel.js'
import {
  addWireguardPeer,
  configureWireguard,
  createWireguard,
  deleteWireguard,
  readWireguard,
  removeWireguardPeer,
  uniqueInterfaceName,
} from './wireguard.js'

// What a provider's program asks of its machine, with the same rules and counters in the kernel; devices, routes and switches are
// as they should be.

const mtu = 1_420
const bootId = 'the only boot of this machine'
const uplink = 'eth0'

export const readRoutes = async () => [{ to: 'default', device: uplink }]
export const readDevices = async () => [uplink]
export const chooseUplink = () => uplink
export const chooseResolvers = async () => ({ resolver4: undefined, resolver6: undefined })
export const waysOut = async () => ({ four: uplink, six: undefined })
export const watchTable = () => ({ changes: async () => 0, close() {} })
export const probeLine = (tunnel: string) => ({
  device: `${tunnel}p`,
  ...{ near4: '198.18.0.1', far4: '198.18.0.2', near6: 'fd00::1', far6: 'fd00::2' },
})
export const sendProbe = async () => 'The simulation sends no probes.'

type Addresses = Parameters<Awaited<ReturnType<typeof raiseFirewall>>['admit']>[1]

export async function prepareMachine(plan: MachinePlan) {
  const kernel = ownKernel()
  const name = uniqueInterfaceName()
  const table = `pontage_${name}`
  kernel.left = { table, name }
  const tunnel = await createWireguard(name)
  const { keys, wireguardPort } = plan
  await configureWireguard(tunnel, { privateKey: keys.privateKey, listenPort: wireguardPort, peers: [] })
  const addPeer = ({ wireguardKey, presharedKey, endpoint }: Peer, { address4, address6 }: Addresses) =>
    addWireguardPeer(tunnel, {
      ...{ publicKey: wireguardKey, presharedKey, allowedIps: [`${address4}/32`, `${address6}/128`] },
      ...(endpoint === undefined ? {} : { endpoint }),
    })
  return {
    ...{ tunnel, mtu, bootId, addPeer },
    raise: (paymentPort: number) =>
      raiseFirewall({
        ...{ ...plan, table, tunnel: name, paymentPort },
        ...{ othersForward4: false, othersForward6: false },
      }),
    removePeer: (publicKey: WireguardKey) => removeWireguardPeer(tunnel, publicKey),
    async greetable(publicKey: WireguardKey) {
      await addWireguardPeer(tunnel, { publicKey, allowedIps: [] })
      return () => removeWireguardPeer(tunnel, publicKey)
    },
    fitPath: async (_key: WireguardKey, _addresses: Addresses, found: number) => Math.min(mtu, found),
    heard: async () =>
      new Map(
        (await readWireguard(tunnel)).peers.map(({ publicKey, receivedBytes }) => [publicKey, receivedBytes]),
      ),
    isAlive: async () => kernel.interfaces.has(name),
    keepForwarding: async () => [],
    keepTunnel: async () => [],
    others: async () => ({ othersForward4: false, othersForward6: false, chains: [] }),
    waysOut,
    restore: undo,
  }
}

export async function collectLeftovers() {
  const { left } = ownKernel()
  if (!left) return { bootId, readings: new Map(), endpoints: new Map() }
  const peers = await readWireguard({ name: left.name, kind: 'kernel' }).then(
    (state) => state.peers,
    () => [],
  )
  await deleteWireguard({ name: left.name, kind: 'kernel' })
  const endpoints = peers.flatMap(({ publicKey, endpoint }) =>
    endpoint ? [[publicKey, endpoint] as const] : [],
  )
  const readings: ReadonlyMap<number, unknown> = await readLeftTable(left.table)
  return { bootId, readings, endpoints: new Map(endpoints) }
}

export async function undo() {
  const kernel = ownKernel()
  if (!kernel.left) return { undone: false, left: [] }
  await deleteWireguard({ name: kernel.left.name, kind: 'kernel' })
  kernel.nft.tables.delete(kernel.left.table)
  kernel.left = undefined
  return { undone: true, left: [] }
}
