import { coinDecimals, formatTokens } from '@pontage/shared'
import type { Components } from '../components.js'

/** What a provider has to pay its transactions with. */
export interface GasWatch {
  /** Of the chain's coin, in its smallest unit; undefined until it was read. */
  balance(): bigint | undefined
  stop(): void
}

const lookEveryMs = 30_000
/** A warning that nobody heeded comes again. */
const warnEverySeconds = 3_600
/** Reads the balance again and again, and warns when there is less than its owner wants. */
export function watchGas({ chain, identity, clock, log }: Components, warnBelow: bigint): GasWatch {
  let balance: bigint | undefined
  let warnedAt: number | undefined

  async function look(): Promise<void> {
    balance = await chain.rpc.getBalance(identity.address)
    const coins = formatTokens(balance, coinDecimals)
    if (balance >= warnBelow) {
      if (warnedAt !== undefined) log.info('gas coin sufficient again', { coins })
      warnedAt = undefined
      return
    }
    if (warnedAt !== undefined && clock.now() - warnedAt < warnEverySeconds) return
    warnedAt = clock.now()
    const cure = `Send the chain’s coin to ${identity.address}, or nothing can be drawn or redeemed.`
    log.warn('gas coin low', { coins, warnBelow: formatTokens(warnBelow, coinDecimals), cure })
  }
  const lookQuietly = () =>
    void look().catch((error: Error) =>
      log.debug('gas coin not readable', { reason: error.message.slice(0, 200) }),
    )
  lookQuietly()
  const timer = setInterval(lookQuietly, lookEveryMs)
  return { balance: () => balance, stop: () => clearInterval(timer) }
}
