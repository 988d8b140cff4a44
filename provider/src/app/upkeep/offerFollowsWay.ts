import { followWay, openWay } from '../../core/way.js'
import type { Components } from '../components.js'
import type { Upkeep } from './upkeep.js'

const lookEveryMs = 1_000

/**
 * Withdraws the offer while no traffic passes for longer than a fault that mends itself, and publishes it again after that:
 * whoever pays for nothing does not come back.
 */
export function keepOfferTrue(
  { clock, log }: Pick<Components, 'clock' | 'log'>,
  upkeep: Pick<Upkeep, 'faults'>,
  withdrawAfterSeconds: number,
  offer: { readonly withdraw: () => Promise<unknown>; readonly publish: () => Promise<unknown> },
): { stop(): Promise<void> } {
  let state = openWay
  let running: Promise<unknown> = Promise.resolve()
  let isBusy = false

  async function look(): Promise<void> {
    const faults = upkeep.faults()
    const next = followWay(state, faults.length === 0, clock.elapsedMs(), withdrawAfterSeconds * 1_000)
    if (next.effect === 'withdraw') {
      log.error('the offer is withdrawn until traffic passes again', { reason: faults.join(' ') })
      await offer.withdraw()
    } else if (next.effect === 'publish') await offer.publish()
    // Only now: what failed is tried again.
    state = next.state
  }

  const timer = setInterval(() => {
    if (isBusy) return
    isBusy = true
    running = look()
      .catch((error: Error) => log.warn('the offer was not changed', { reason: error.message }))
      .finally(() => {
        isBusy = false
      })
  }, lookEveryMs)
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
