import type { Chain } from '../chain/chain.js'
import { inTokens } from './print.js'

/** What to do about money that the token refused to pay. @param program - Whose command collects it. */
export const withheldNote = (
  chain: Pick<Chain, 'tokenDecimals' | 'tokenSymbol'>,
  amount: bigint,
  program: string,
): string =>
  `The token refuses to pay you (a blocklist, for example), so the contract keeps ${inTokens(chain, amount)} for you. Have it paid to another address: ${program} collect ADDRESS.`
