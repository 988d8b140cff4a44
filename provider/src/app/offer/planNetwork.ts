import { routeTo, UserError } from '@pontage/shared/node'
import { overlap, parseRange } from '../../core/addressRange.js'
import { chooseResolvers, chooseUplink, readDevices, readRoutes } from '../../io/kernel/network.js'
import type { Settings } from '../settings.js'

/**
 * Devices, resolvers and networks of this machine as they concern us.
 *
 * @param running - Whether our own tunnel stands: then its routes are no conflict.
 * @throws UserError when there is no way out, or a subnet of ours is somebody else's.
 */
export async function planNetwork(
  settings: Pick<Settings, 'uplink' | 'subnet4' | 'subnet6' | 'resolvers'>,
  running = false,
) {
  const [routes, devices, resolvers] = await Promise.all([
    readRoutes(),
    readDevices(),
    chooseResolvers(settings.resolvers),
  ])
  for (const text of [settings.subnet4, settings.subnet6]) {
    const range = parseRange(text)
    for (const { to, device } of routes) {
      const taken = parseRange(to)
      if (!running && range && taken && taken.bits > 0 && overlap(range, taken))
        throw new UserError(
          `The subnet ${text} for the tunnels overlaps with ${to} on ${device}. Choose another --subnet4 or --subnet6.`,
        )
    }
  }
  const uplink = chooseUplink(settings.uplink, routes, devices)
  const ours = parseRange(settings.subnet6)
  const onLink6 = routes.flatMap(({ to }) => {
    const range = parseRange(to)
    return range?.family === 6 && !(ours && overlap(ours, range) && range.bits >= ours.bits) ? [to] : []
  })
  return {
    uplink,
    ...resolvers,
    // Link-local and unique local ones are closed anyway.
    ownNetworks6: [...new Set(onLink6)].filter((to) => !/^f[cdef]/i.test(to)).sort(),
    // Answers of a resolver may come in on another device than the uplink.
    devices: [...new Set([uplink, ...(await devicesTowards(resolvers))])],
  }
}

async function devicesTowards(resolvers: { resolver4: string | undefined; resolver6: string | undefined }) {
  const found = await Promise.all(
    [resolvers.resolver4, resolvers.resolver6].map((address) =>
      address === undefined ? undefined : routeTo(address),
    ),
  )
  return found.flatMap((route) => (route === undefined || route.device === 'lo' ? [] : [route.device]))
}
