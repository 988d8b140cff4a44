import { BlockList } from 'node:net'
import { routeTo } from '@pontage/shared/node'
import { mapPorts, type PortMapping } from '../../io/link/portMapping.js'
import type { Components } from '../components.js'
import type { Settings } from '../settings.js'

/** Addresses behind a router that translates: RFC 1918, and the carriers' of RFC 6598. */
const translated = new BlockList()
translated.addSubnet('10.0.0.0', 8, 'ipv4')
translated.addSubnet('172.16.0.0', 12, 'ipv4')
translated.addSubnet('192.168.0.0', 16, 'ipv4')
translated.addSubnet('100.64.0.0', 10, 'ipv4')

/** Any address beyond the router: which way there is no packet is sent. */
const outThere = '192.0.2.1'

/**
 * Has the router hand on our two ports where it is needed: behind a translating router, or when told so.
 *
 * @returns The mapping; undefined where none is needed or none could be had, which is said in the log.
 */
export async function openPorts(
  { log }: Pick<Components, 'log'>,
  { portMapping, endpoint, listen, wireguardPort }: Settings,
): Promise<PortMapping | undefined> {
  if (portMapping === 'off') return undefined
  const route = await routeTo(outThere)
  const isTranslated = route !== undefined && translated.check(route.source)
  if (portMapping === 'auto' && (!isTranslated || route.source === endpoint.host)) return undefined
  const cure = `Forward TCP ${endpoint.port} and UDP ${wireguardPort} to this machine in your router.`
  if (route?.gateway === undefined) {
    log.warn('ports not mapped', { reason: 'there is no router', cure })
    return undefined
  }
  try {
    const mapping = await mapPorts(
      route.gateway,
      { address: route.source, tcp: listen.port, udp: wireguardPort },
      { tcp: endpoint.port, udp: wireguardPort },
      (reason) => log.warn('port mapping not renewed', { reason }),
    )
    const { protocol, externalHost, tcp, udp } = mapping
    log.info('ports mapped', { protocol, router: route.gateway, externalHost, tcp, udp })
    if (tcp !== endpoint.port)
      log.warn('the router gave another port', {
        given: tcp,
        endpoint: endpoint.port,
        cure: `Offer --endpoint ${endpoint.host}:${tcp} with --port ${listen.port}.`,
      })
    return mapping
  } catch (error) {
    log.warn('ports not mapped', { reason: (error as Error).message, cure })
    return undefined
  }
}
