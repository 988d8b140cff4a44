import { refuse, type Verdict } from './refusal.js'
import type { Address } from './units.js'

/** Refuses an identity that stands where a document or a request names another. */
export const judgeParty = (identity: Address, expected: Address): Verdict =>
  identity === expected ? { ok: true } : refuse({ code: 'not-a-party', identity, expected })
