import { formatTokens, type TokenNames } from '../../quantity.js'
import type { Chain } from '../chain/chain.js'

/** One JSON object and a line end on standard output; amounts as decimal strings. */
export const printJson = (value: object): void => {
  const text = JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? each.toString() : each))
  process.stdout.write(`${text}\n`)
}

export const printLines = (...lines: string[]): void => {
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** `12.5 PTT`, with the token's own name. */
export const inTokens = (chain: Pick<Chain, 'tokenDecimals' | 'tokenSymbol'>, amount: bigint): string =>
  `${formatTokens(amount, chain.tokenDecimals)} ${chain.tokenSymbol}`

export const tokenOf = (chain: Pick<Chain, 'tokenDecimals' | 'tokenSymbol'>): TokenNames => ({
  decimals: chain.tokenDecimals,
  symbol: chain.tokenSymbol,
})

/** `2026-11-22 23:53 UTC`, of seconds since 1970. */
export const timeOf = (seconds: number): string =>
  `${new Date(seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
