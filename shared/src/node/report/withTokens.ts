import { amountText, formatTimePrice, formatTrafficPrice, type TokenNames } from '../../quantity.js'
import { weiPerHour, weiPerMegabyte } from '../../units.js'
import { UserError } from '../program/userError.js'

/** A sentence for a person: what the protocol says in the token’s smallest unit, in whole tokens with their name. */
export const withTokens = (sentence: string, token: TokenNames): string =>
  sentence.replace(/\b(\d+) wei( per megabyte| per hour)?\b/g, (_, digits: string, per?: string) => {
    const amount = BigInt(digits)
    if (per === ' per megabyte') return formatTrafficPrice(weiPerMegabyte(amount), token)
    if (per === ' per hour') return formatTimePrice(weiPerHour(amount), token)
    return amountText(amount, token)
  })

/** Runs `work`; what it says to its user when it fails is said in tokens. */
export async function sayingTokens<Result>(token: TokenNames, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const said = withTokens(error.message, token)
    throw said === error.message ? error : new UserError(said, { cause: error })
  }
}
