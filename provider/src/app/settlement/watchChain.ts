import type { Closers } from '@pontage/shared/node'
import type { Machine } from '../../io/kernel/machine.js'
import type { Components } from '../components.js'
import type { PriceInForce } from '../offer/priceInForce.js'
import type { Settings } from '../settings.js'
import { createAudit } from './audit.js'
import { createWatch } from './chainFollower.js'
import type { Money } from './openMoney.js'

/** Follows the chain for all that depends on it: endings, payments, our price, what our hubs publish. */
export async function watchChain(
  components: Components,
  settings: Settings,
  { sessions, hubs, delays }: Money,
  price: PriceInForce,
  machine: Pick<Machine, 'isAlive'>,
  closers: Closers,
  failed: (error: unknown) => void,
): Promise<{ settleNow(): void }> {
  const audit = await createAudit(components, hubs.links, delays.maxGuarantee, {
    lied: (hub, reason) => void hubs.settlements.get(hub)?.distrust(reason),
  })
  closers.add('the audit of the hubs', () => audit.idle())
  const watch = await createWatch(components, sessions, hubs.settlements, settings.clearEverySeconds, {
    isAlive: () => machine.isAlive(),
    failed,
    isDue: () => price.isOutdated(),
    refresh: async () => {
      await price.refresh()
      await audit.look()
    },
  })
  closers.add('the chain follower', () => watch.stop())
  return watch
}
