import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../clock.js'
import { coinDecimals, formatTokens } from '../../quantity.js'
import type { Address } from '../../units.js'
import type { Chain } from '../chain/chain.js'
import type { Log } from './log.js'
import { createLowWater } from './lowWater.js'

/** What a program has to pay its transactions with. */
export interface GasWatch {
  /** Of the chain's coin, in its smallest unit; undefined until it was read. */
  balance(): bigint | undefined
  /** Reads it at once and every half minute, until the signal. */
  run(signal: AbortSignal): Promise<void>
}

const lookEveryMs = 30_000

/**
 * Keeps an eye on the balance that transactions are paid from, and warns while it is below what its owner wants.
 *
 * @param watched.warnBelow - Of the chain's coin, in its smallest unit.
 * @param watched.otherwise - What stops working without gas, as the end of the sentence "Send …, or …".
 */
export function watchGas(watched: {
  readonly chain: Chain
  readonly identity: { readonly address: Address }
  readonly clock: Clock
  readonly log: Log
  readonly warnBelow: bigint
  readonly otherwise: string
}): GasWatch {
  const { chain, identity, clock, log, warnBelow, otherwise } = watched
  const lowWater = createLowWater(clock)
  let balance: bigint | undefined

  async function look(): Promise<void> {
    balance = await chain.rpc.getBalance(identity.address)
    const coins = formatTokens(balance, coinDecimals)
    lowWater(
      balance < warnBelow,
      () =>
        log.warn('gas coin low', {
          coins,
          warnBelow: formatTokens(warnBelow, coinDecimals),
          cure: `Send the chain’s coin to ${identity.address}, or ${otherwise}.`,
        }),
      () => log.info('gas coin sufficient again', { coins }),
    )
  }

  return {
    balance: () => balance,
    async run(signal) {
      while (!signal.aborted) {
        await look().catch((error: Error) =>
          log.debug('gas coin not readable', { reason: error.message.slice(0, 200) }),
        )
        await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
