import { setTimeout as delay } from 'node:timers/promises'
import { getAddress } from 'ethers'
import { coinDecimals, formatTokens } from '../../quantity.js'
import type { Address } from '../../units.js'
import type { Chain } from '../chain/chain.js'
import { UserError } from '../program/userError.js'
import { inTokens, printLines } from '../report/print.js'
import { qrCode } from '../report/qrCode.js'
import type { Terminal } from './terminal.js'

/** What an address has, or needs: tokens and the chain's coin, each in its smallest unit. */
export interface Funds {
  readonly tokens: bigint
  readonly coin: bigint
}

const askEveryMs = 2_000

/** What an address has of both. */
export async function fundsOf(chain: Chain, address: Address): Promise<Funds> {
  const [tokens, coin] = await Promise.all([chain.token.balanceOf(address), chain.rpc.getBalance(address)])
  return { tokens, coin }
}

/** What is missing, each at least zero. */
export const missingFunds = (has: Funds, needs: Funds): Funds => ({
  tokens: needs.tokens > has.tokens ? needs.tokens - has.tokens : 0n,
  coin: needs.coin > has.coin ? needs.coin - has.coin : 0n,
})

export const isEnough = ({ tokens, coin }: Funds): boolean => tokens === 0n && coin === 0n

/**
 * Shows the address, as a QR code as well, and what it needs, and waits until it has that.
 *
 * @param options.waitSeconds - How long; undefined: for ever.
 * @throws UserError when it has not in that time.
 */
export async function awaitFunds(
  chain: Chain,
  address: Address,
  needs: Funds,
  options: { readonly waitSeconds: number | undefined; readonly terminal: Terminal | undefined },
): Promise<string> {
  const { waitSeconds, terminal } = options
  let has = await fundsOf(chain, address)
  const asked = `${fundsText(chain, missingFunds(has, needs))} to ${getAddress(address)}`
  const where = `${chain.tokenSymbol} is token ${getAddress(chain.deployment.token)} on chain ${chain.deployment.chainId}.`
  const code = qrCode(getAddress(address))
  if (terminal) terminal.show(`${code}\n\n${getAddress(address)}\n${where}`, 'Your address')
  else printLines(`Send ${asked}. ${where}`)
  const waiting = terminal?.wait(`Waiting for ${asked}`)
  const until = waitSeconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + waitSeconds * 1_000
  for (;;) {
    const missing = missingFunds(has, needs)
    if (isEnough(missing)) {
      const says = `There are ${fundsText(chain, has)}, enough.`
      waiting?.stop('The funds are there.')
      return says
    }
    if (performance.now() >= until) {
      waiting?.stop('They have not come yet.')
      throw new UserError(
        `The address has ${fundsText(chain, has)}, and needs ${fundsText(chain, needs)}. Send ${fundsText(chain, missing)} to ${getAddress(address)}, then run setup again.`,
        { code: 'missing-funds' },
      )
    }
    waiting?.say(`Waiting for ${fundsText(chain, missing)} (there are ${fundsText(chain, has)})`)
    await delay(askEveryMs)
    has = await fundsOf(chain, address)
  }
}

/** `50 PTT and 0.05 of the chain’s coin`, without what is zero where the other is not. */
function fundsText(chain: Chain, { tokens, coin }: Funds): string {
  const parts = [
    ...(tokens > 0n || coin === 0n ? [inTokens(chain, tokens)] : []),
    ...(coin > 0n ? [`${formatTokens(coin, coinDecimals)} of the chain’s coin`] : []),
  ]
  return parts.join(' and ')
}
