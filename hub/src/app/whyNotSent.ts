import { type Chain, reasonOf } from '@pontage/shared/node'
import { LedgerUnavailable } from '../io/ledger.js'

/**
 * Why the chain does not take what somebody asked for, as the end of a sentence.
 *
 * @throws LedgerUnavailable where it was the ledger that failed: what was recorded before may still be sent.
 */
export function whyNotSent(chain: Chain, error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause)
    if (each instanceof LedgerUnavailable) throw each
  return reasonOf(chain, (error as Error).cause ?? error).replace(/\.$/, '')
}
