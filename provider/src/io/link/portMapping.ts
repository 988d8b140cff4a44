import { type Gateway, upnpNat } from '@achingbrain/nat-port-mapper'
import { requestExternalAddress, requestMapping } from './natPmp.js'

/** Ports that the router hands on to this machine. */
export interface PortMapping {
  readonly protocol: 'NAT-PMP' | 'UPnP'
  /** The router's own address on the outside, empty when it does not say. */
  readonly externalHost: string
  /** Ports on the outside; they differ from those asked for where the router has given those away. */
  readonly tcp: number
  readonly udp: number
  /** Takes the mappings back. */
  remove(): Promise<void>
}

interface Ports {
  readonly tcp: number
  readonly udp: number
}

/** Seconds after which a router forgets a mapping that is not renewed: one left by a crash does not stay. */
const lifetimeSeconds = 1_800
const upnpWithinMs = 8_000
const transports = ['tcp', 'udp'] as const

/**
 * Asks the router, by NAT-PMP and else by UPnP, to hand on the ports, and renews that until it is removed.
 *
 * @param failed - Told when a renewal fails; it is tried again.
 * @throws Error with what both ways said, when neither works.
 */
export async function mapPorts(
  router: string,
  inside: Ports & { readonly address: string },
  outside: Ports,
  failed: (reason: string) => void,
): Promise<PortMapping> {
  try {
    return await byNatPmp(router, inside, outside, failed)
  } catch (error) {
    const reason = (error as Error).message
    return byUpnp(inside, outside).catch((other: Error) => {
      throw new Error(`NAT-PMP: ${reason}; UPnP: ${other.message}`)
    })
  }
}

async function byNatPmp(
  router: string,
  inside: Ports,
  outside: Ports,
  failed: (reason: string) => void,
): Promise<PortMapping> {
  const given: { tcp: number; udp: number } = { ...outside }
  const renew = async () => {
    for (const transport of transports) {
      const ports = { inside: inside[transport], outside: given[transport] }
      given[transport] = (await requestMapping(router, transport, ports, lifetimeSeconds)).outside
    }
  }
  const remove = async () => {
    for (const transport of transports)
      await requestMapping(router, transport, { inside: inside[transport], outside: 0 }, 0)
  }
  const externalHost = await requestExternalAddress(router)
  try {
    await renew()
  } catch (error) {
    await remove().catch(() => undefined)
    throw error
  }
  const timer = setInterval(
    () => void renew().catch((error: Error) => failed(error.message)),
    lifetimeSeconds * 500,
  )
  return {
    ...{ protocol: 'NAT-PMP', externalHost, tcp: given.tcp, udp: given.udp },
    async remove() {
      clearInterval(timer)
      await remove()
    },
  }
}

async function byUpnp(inside: Ports & { readonly address: string }, outside: Ports): Promise<PortMapping> {
  const signal = AbortSignal.timeout(upnpWithinMs)
  const options = { description: 'pontage' }
  for await (const gateway of upnpNat(options).findGateways({ signal, searchInterval: 1_000 })) {
    const tcp = await ask(gateway, 'tcp', inside, outside, signal)
    const udp = await ask(gateway, 'udp', inside, outside, signal)
    const externalHost = await gateway.externalIp({ signal }).catch(() => '')
    const remove = () => gateway.stop({ signal: AbortSignal.timeout(upnpWithinMs) })
    return { protocol: 'UPnP', externalHost, tcp, udp, remove }
  }
  throw new Error('no router answers')
}

const ask = async (
  gateway: Gateway,
  transport: keyof Ports,
  inside: Ports & { readonly address: string },
  outside: Ports,
  signal: AbortSignal,
): Promise<number> => {
  const options = { externalPort: outside[transport], protocol: transport, signal }
  return (await gateway.map(inside[transport], inside.address, options)).externalPort
}
