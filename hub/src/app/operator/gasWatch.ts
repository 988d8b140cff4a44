import { coinDecimals, formatTokens } from '@pontage/shared'
import { pause } from '../../io/pause.js'
import type { Components } from '../components.js'
import { createLowWater } from './lowWater.js'

/** What the hub has to pay its transactions with. */
export interface GasWatch {
  /** Of the chain's coin, in its smallest unit; undefined until it was read. */
  balance(): bigint | undefined
  /** Looks every half minute until the signal. */
  run(signal: AbortSignal): Promise<void>
}

const lookEveryMs = 30_000
/** Reads the balance again and again, and warns when it falls below what its operator wants. */
export function createGasWatch({ chain, identity, settings, clock, log }: Components): GasWatch {
  let balance: bigint | undefined
  const lowWater = createLowWater(clock)

  async function look(): Promise<void> {
    const now = await chain.rpc.getBalance(identity.address)
    balance = now
    lowWater(
      now < settings.gasWarnBelow,
      () =>
        log.warn('gas coin low', {
          coins: coins(now),
          warnBelow: coins(settings.gasWarnBelow),
          cure: `Send the chain’s coin to ${identity.address}, or the hub can neither draw nor relay.`,
        }),
      () => log.info('gas coin sufficient again', { coins: coins(now) }),
    )
  }

  return {
    balance: () => balance,
    async run(signal) {
      for (; !signal.aborted; await pause(lookEveryMs, signal))
        await look().catch((error) =>
          log.debug('gas coin not readable', { reason: (error as Error).message.slice(0, 200) }),
        )
    },
  }
}

const coins = (amount: bigint): string => formatTokens(amount, coinDecimals)
