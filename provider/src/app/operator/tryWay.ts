import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateWireguardKeys, UserError, withClosers } from '@pontage/shared/node'
import { AddressPool } from '../../core/addressPool.js'
import { parseRange } from '../../core/addressRange.js'
import { parseExitPolicy } from '../../core/exitPolicy.js'
import { judgeProbe } from '../../core/way.js'
import { prepareMachine } from '../../io/kernel/machine.js'
import { planNetwork } from '../offer/planNetwork.js'
import type { Settings } from '../settings.js'
import { probeTargets } from '../upkeep/probeTargets.js'

/** Any port: nobody calls it. */
const paymentPort = 1

/**
 * Makes tunnel and rules for a moment, as `run` does, sends packets through, and takes everything away again.
 *
 * @returns What keeps traffic from passing.
 * @throws UserError when that cannot be tried, or not everything could be taken away.
 */
export function tryWay(settings: Settings): Promise<readonly string[]> {
  return withClosers(async (closers) => {
    const network = { ...(await planNetwork(settings)), outer: [] }
    const { gateway, first: consumer } = new AddressPool(settings, settings.maxSessions)
    const { subnet4, subnet6, wireguardPort } = settings
    const home = await mkdtemp(join(tmpdir(), 'pontage-way-'))
    closers.add('its folder', () => rm(home, { recursive: true, force: true }))
    const machine = await prepareMachine({
      ...network,
      ...{ home, keys: generateWireguardKeys(), wireguardPort, gateway, consumer, subnet4, subnet6 },
      bits: { four: parseRange(subnet4)?.bits ?? 0, six: parseRange(subnet6)?.bits ?? 0 },
      policy: parseExitPolicy(settings.exitPolicy),
    })
    closers.add('the machine', async () => {
      const { left } = await machine.restore()
      if (left.length > 0) throw new UserError(left.join(' '))
    })
    const firewall = closers.opened('the firewall', await machine.raise(paymentPort))
    const targets = await probeTargets(network)
    const [ways, { chains }] = [await machine.waysOut(), await machine.others()]
    const tryOnce = async () => {
      const probed = await firewall.probe(targets)
      if (typeof probed === 'string') throw new UserError(`Not tried. ${probed}`)
      return judgeProbe(probed, ways, chains)
    }
    // One that got lost is no proof.
    const fault = (await tryOnce()) && (await tryOnce())
    return fault === undefined ? [] : [fault]
  })
}
