import type { WireguardConf, WireguardInterface, WireguardPeerConf } from '@pontage/shared/node'
import { ownKernel } from '../../kernel/kernel.js'
import { timeline } from '../timeline.js'

const ask = (): Promise<void> => timeline().wait(0.1 + timeline().process.chance.real())

export const uniqueInterfaceName = (): string => `pont${timeline().process.chance.dice(1e6)}`

export async function createWireguard(name = uniqueInterfaceName()): Promise<WireguardInterface> {
  await ask()
  ownKernel().make(name)
  return { name, kind: 'kernel' }
}

export async function configureWireguard({ name }: WireguardInterface, conf: WireguardConf): Promise<void> {
  await ask()
  ownKernel().configure(name, conf)
}

export async function addWireguardPeer({ name }: WireguardInterface, peer: WireguardPeerConf): Promise<void> {
  await ask()
  ownKernel().addPeer(name, peer)
}

export async function removeWireguardPeer({ name }: WireguardInterface, publicKey: string): Promise<void> {
  await ask()
  ownKernel().removePeer(name, publicKey)
}

export async function readWireguard({ name }: WireguardInterface) {
  await ask()
  const tunnel = ownKernel().interfaces.get(name)
  if (!tunnel) throw new Error(`Unable to access interface ${name}: No such device`)
  const peers = [...tunnel.peers.values()].map((peer) => ({ ...peer }))
  return { publicKey: tunnel.publicKey, listenPort: 0, fwmark: 0, peers }
}

export async function deleteWireguard({ name }: WireguardInterface): Promise<void> {
  await ask()
  ownKernel().interfaces.delete(name)
}
