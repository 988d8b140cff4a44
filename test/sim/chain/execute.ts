import type { Address, Hex } from '@pontage/shared'
import { onChannels } from './channelCalls.js'
import { channels, marketplace, registry, token } from './contracts.js'
import { deployment } from './deployment.js'
import { type Done, Refused } from './effects.js'
import { onMarket } from './marketCalls.js'
import { onRegistry } from './registryCalls.js'
import type { ChainState } from './state.js'
import { onToken } from './tokenCalls.js'

/** A call as it reaches the chain. */
export interface Call {
  readonly from: Address
  readonly to: Address
  readonly data: Hex
}

export type Contract = 'channels' | 'registry' | 'marketplace' | 'token'

/** What became of a call. */
export type Executed = Done | { readonly ok: false; readonly refusal: string; readonly contract: Contract }

/** Runs a call on the contracts: the model of the money decides, this reads what was asked and who signed it. */
export async function execute(state: ChainState, call: Call): Promise<Executed> {
  const contract = contractAt(call.to)
  // Coin that is sent to somebody, or nothing at all.
  if (!contract) return { ok: true, state, logs: [] }
  const face = { channels, registry, marketplace, token }[contract]
  const parsed = face.parseTransaction({ data: call.data })
  if (!parsed) return { ok: false, refusal: '', contract }
  try {
    const act = { channels: onChannels, registry: onRegistry, marketplace: onMarket, token: onToken }[
      contract
    ]
    return await act(state, call.from, parsed.name, parsed.args)
  } catch (error) {
    if (error instanceof Refused) return { ok: false, refusal: error.message, contract }
    throw error
  }
}

function contractAt(to: Address): Contract | undefined {
  if (to === deployment.channels) return 'channels'
  if (to === deployment.registry) return 'registry'
  if (to === deployment.marketplace) return 'marketplace'
  return to === deployment.token ? 'token' : undefined
}
