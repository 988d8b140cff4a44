import type { WireguardConf, WireguardEndpoint, WireguardPeerConf } from '@pontage/shared/node'
import { wireguardPublicKey } from '@pontage/shared/node'
import { epochSeconds, timeline } from '../stage/timeline.js'
import { Nft } from './nft.js'

/** The other end of a tunnel, as an interface knows it. */
export interface Peer {
  readonly publicKey: string
  presharedKey: string | undefined
  allowedIps: readonly string[]
  endpoint: WireguardEndpoint | undefined
  latestHandshakeAt: number | undefined
  receivedBytes: bigint
  sentBytes: bigint
}

/** A WireGuard interface. */
export interface Interface {
  readonly name: string
  publicKey: string
  readonly peers: Map<string, Peer>
  /** What a consumer's carries: its own address in there, and the other end's. */
  addresses: { readonly address4: string; readonly gateway4: string } | undefined
}

/** One machine's kernel: it goes on when a program dies. */
export class Kernel {
  readonly nft = new Nft()
  readonly interfaces = new Map<string, Interface>()
  /** What a provider's program has made, as it noted before it made it. */
  left: { readonly table: string; readonly name: string } | undefined

  constructor(readonly machine: string) {}

  make(name: string): void {
    this.interfaces.set(name, { name, publicKey: '', peers: new Map(), addresses: undefined })
  }

  configure(name: string, { privateKey, peers }: WireguardConf): void {
    const tunnel = this.#existing(name)
    tunnel.publicKey = wireguardPublicKey(privateKey)
    tunnel.peers.clear()
    for (const peer of peers) this.addPeer(name, peer)
  }

  addPeer(name: string, { publicKey, presharedKey, allowedIps, endpoint }: WireguardPeerConf): void {
    const { peers } = this.#existing(name)
    const known = peers.get(publicKey)
    peers.set(publicKey, {
      ...{ publicKey, presharedKey, allowedIps, endpoint: endpoint ?? known?.endpoint },
      latestHandshakeAt: known?.latestHandshakeAt,
      ...{ receivedBytes: known?.receivedBytes ?? 0n, sentBytes: known?.sentBytes ?? 0n },
    })
  }

  removePeer(name: string, publicKey: string): void {
    this.#existing(name).peers.delete(publicKey)
  }

  #existing(name: string): Interface {
    const tunnel = this.interfaces.get(name)
    if (!tunnel) throw new Error(`Cannot find device "${name}"`)
    return tunnel
  }
}

const kernels = new Map<string, Kernel>()
/** Machines by the addresses under which others reach them. */
const machines = new Map<string, string>()

export function kernelOf(machine: string): Kernel {
  const known = kernels.get(machine) ?? new Kernel(machine)
  kernels.set(machine, known)
  return known
}

/** The kernel of the machine on which code runs at the moment. */
export const ownKernel = (): Kernel => kernelOf(timeline().process.name)

export function giveAddress(machine: string, address: string): void {
  machines.set(address, machine)
}

export function forgetKernels(): void {
  kernels.clear()
  machines.clear()
}

/** A tunnel that stands: both ends, with the keys that they share. */
export interface Tunnel {
  readonly consumer: Kernel
  readonly near: Interface
  readonly provider: Kernel
  readonly far: Interface
  readonly address4: string
  readonly toProvider: Peer
  readonly toConsumer: Peer
}

/** The tunnel that leaves a machine; undefined where there is none, or the other end knows nothing of it. */
export function tunnelFrom(machine: string): Tunnel | undefined {
  const consumer = kernelOf(machine)
  for (const near of consumer.interfaces.values()) {
    const [toProvider] = near.peers.values()
    const provider = kernels.get(machines.get(toProvider?.endpoint?.host ?? '') ?? '')
    if (!toProvider || !provider || !near.addresses) continue
    for (const far of provider.interfaces.values()) {
      const toConsumer = far.peers.get(near.publicKey)
      const { address4 } = near.addresses
      if (far.publicKey !== toProvider.publicKey || !toConsumer) continue
      if (toConsumer.presharedKey !== toProvider.presharedKey) continue
      if (toConsumer.allowedIps.includes(`${address4}/32`))
        return { consumer, near, provider, far, address4, toProvider, toConsumer }
    }
  }
  return undefined
}

/** Where a connection to an address ends: the machine that has it, outside or at the other end of a tunnel. */
export function machineAt(address: string, from: string): string | undefined {
  const tunnel = tunnelFrom(from)
  if (tunnel?.near.addresses?.gateway4 === address) return tunnel.provider.machine
  if (/^10\.86\./.test(address)) return undefined
  return machines.get(address) ?? address
}

/** Both ends greet each other. */
export function greet({ toProvider, toConsumer }: Tunnel): void {
  const at = Math.floor(epochSeconds + timeline().nowMs / 1_000)
  for (const peer of [toProvider, toConsumer]) peer.latestHandshakeAt ??= at
}
