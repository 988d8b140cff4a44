import { type Wei, wei } from '@pontage/shared'
import { createLowWater, inTokens } from '@pontage/shared/node'
import { poolFree } from '../../core/solvency.js'
import type { Components } from '../components.js'

/** Warns before the pool holds less than what providers may redeem. Looks whenever the ledger took in a block. */
export function createPoolWatch({ ledger, settings, clock, log, chain }: Components): { look(): void } {
  const lowWater = createLowWater(clock)
  const shown = (amount: bigint): string =>
    amount < 0n ? `-${inTokens(chain, wei(-amount))}` : inTokens(chain, wei(amount))
  let isLooking = false

  async function lookNow(): Promise<void> {
    const { owed, pool } = await ledger.tally()
    const spare = poolFree(pool) - owed
    const warnBelow: Wei = settings.poolWarnBelow ?? wei(0n)
    lowWater(
      spare < warnBelow,
      () =>
        log.warn('pool low', {
          spare: shown(spare),
          owed: shown(owed),
          warnBelow: shown(warnBelow),
          cure: 'The hub draws what it holds. Run pontage-hub pool fund AMOUNT, or it draws before each promise.',
        }),
      () => log.info('pool sufficient again', { spare: shown(spare) }),
    )
  }

  return {
    look() {
      if (isLooking) return
      isLooking = true
      void lookNow()
        .catch((error) => log.debug('pool not readable', { reason: (error as Error).message }))
        .finally(() => {
          isLooking = false
        })
    },
  }
}
