import { parseTokens } from '@pontage/shared'
import { type Chain, inTokens } from '@pontage/shared/node'
import type { RelayWishes, SentFor } from '../../hub/relayed.js'

/** Which channel a command is about. */
export const channelFlag = {
  channel: { type: 'string', requiresArg: true, describe: 'Which channel, if there are several' },
} as const

/** Who sends where there is no coin for gas, and for how much. */
export const relayFlags = {
  relayer: {
    type: 'string',
    requiresArg: true,
    describe: 'Address or URL of a hub that sends it where you have no gas coin; by default one is found',
  },
  'max-relay-fee': {
    type: 'string',
    default: '0.1',
    requiresArg: true,
    describe: 'Most tokens a hub may charge for sending a transaction',
  },
} as const

/** What is typed of them. */
export interface RelayOptions {
  relayer?: string
  maxRelayFee: string
}

/** What they mean on this chain. @throws RangeError for an amount that is none */
export const relayWishes = (
  { relayer, maxRelayFee }: RelayOptions,
  { tokenDecimals }: Pick<Chain, 'tokenDecimals'>,
): RelayWishes => ({ relayer, maxRelayFee: parseTokens(maxRelayFee, tokenDecimals) })

/** Who sent it, where that was a hub; nothing where it was sent with own gas. */
export const sentBy = (chain: Chain, { relayedBy, relayFee }: SentFor): string =>
  relayedBy === null ? '' : `, sent by ${relayedBy} for ${inTokens(chain, relayFee)}`

/** The fee alone, for what a hub always sends. */
export const relayFeeFlag = { 'max-relay-fee': relayFlags['max-relay-fee'] } as const
