import type { Address } from '@pontage/shared'
import type { Result } from 'ethers'
import { type Done, pay, Refused } from './effects.js'
import { who } from './reading.js'
import { type ChainState, put } from './state.js'

/** A call of the token. */
export async function onToken(given: ChainState, from: Address, name: string, args: Result): Promise<Done> {
  if (name === 'approve') {
    const [spender, value] = args
    return {
      ok: true,
      state: { ...given, allowances: put(given.allowances, `${from}>${who(spender)}`, value) },
      logs: [],
    }
  }
  if (name === 'transfer') return { ok: true, state: pay(given, from, who(args[0]), args[1]), logs: [] }
  throw new Refused('')
}
