import {
  type Address,
  type ChannelParties,
  type ChannelState,
  finalState,
  type Hex,
  preFundState,
  refuse,
  type SignedReleaseTerms,
  type Verdict,
  type Wei,
} from '@pontage/shared'
import { recoverChannelState, signChannelState } from '@pontage/shared/node'
import type { Context } from '../context.js'

/** A final state in the words of the wire. */
export interface FinalState {
  readonly channel: ChannelParties
  readonly turnNum: number
  readonly totals: readonly { readonly provider: Address; readonly amount: Wei }[]
  readonly releases: readonly SignedReleaseTerms[]
}

/** Signs the channel's first state, before a token is at risk. */
export const signFirst = (context: Context, parties: ChannelParties): Promise<Hex> =>
  sign(context, preFundState(context.chain.deployment, parties, 0))

/** Refuses unless the hub signed the answer to it. */
export const checkFirst = (context: Context, parties: ChannelParties, signature: Hex): Promise<Verdict> =>
  check(preFundState(context.chain.deployment, parties, 1), signature)

/**
 * The final state of a draft.
 *
 * @throws RangeError when the draft names a provider twice.
 */
export const lastState = (context: Context, { channel, totals, releases }: FinalState): ChannelState =>
  finalState(context.chain.deployment, channel, { totals, releases })

/** Signs a channel's end; the caller has recorded it before. */
export const sign = (context: Context, state: ChannelState): Promise<Hex> =>
  signChannelState(state, context.identity.privateKey)

/** Refuses unless the hub signed this state. */
export async function check(state: ChannelState, signature: Hex): Promise<Verdict> {
  const document = state.isFinal ? 'final state' : 'first state'
  const signer = await recoverChannelState(state, signature)
  if (signer === undefined) return refuse({ code: 'malformed-signature', document })
  const expected = state.parties.hub
  return signer === expected ? { ok: true } : refuse({ code: 'wrong-signer', document, signer, expected })
}
