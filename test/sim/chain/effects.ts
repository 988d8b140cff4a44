import { type Address, type ChannelParties, type DocumentName, money, wei } from '@pontage/shared'
import type { Result } from 'ethers'
import type { Emitted } from './contracts.js'
import { deployment } from './deployment.js'
import { eventsOf } from './events.js'
import { signerOf } from './reading.js'
import { type ChainState, naming, put } from './state.js'

/** What a call did. */
export interface Done {
  readonly ok: true
  readonly state: ChainState
  readonly logs: readonly Emitted[]
}

/** A call that a contract reverts, by the name of its error. */
export class Refused extends Error {}

/** Does an operation to the money, and says what happened as the contracts do. */
export function moved(
  given: ChainState,
  operation: money.Operation,
  payer?: Address,
  spender = deployment.channels,
): Done {
  const result = money.move(given.money, operation)
  if (!result.ok) throw new Refused(result.refusal)
  let state: ChainState = { ...given, money: result.money }
  for (const parties of namedBy(operation)) state = naming(state, parties)
  if (payer) {
    const before = money.walletOf(given.money, payer)
    const after = money.walletOf(result.money, payer)
    if (after < before) state = spend(state, payer, spender, before - after)
  }
  return { ok: true, state, logs: eventsOf(given.money, result.money, operation) }
}

function namedBy(operation: money.Operation): ChannelParties[] {
  if ('parties' in operation) return [operation.parties]
  if ('order' in operation && 'parties' in operation.order) return [operation.order.parties]
  if ('orders' in operation)
    return operation.orders.flatMap((order) => ('parties' in order ? [order.parties] : []))
  return []
}

/** Takes a fee from one wallet to another. */
export function pay(state: ChainState, from: Address, to: Address, fee: bigint): ChainState {
  if (fee === 0n) return state
  if (money.walletOf(state.money, from) < fee) throw new Refused('ERC20InsufficientBalance')
  const less = put(state.money.wallets, from, wei(money.walletOf(state.money, from) - fee))
  const wallets = put(less, to, wei((less.get(to) ?? 0n) + fee))
  return { ...state, money: { ...state.money, wallets } }
}

export function demandSigned(
  name: DocumentName,
  document: object,
  signature: string,
  signer: Address,
  deadline: number,
  state: ChainState,
) {
  if (deadline < state.money.now) throw new Refused('SignatureExpired')
  if (signerOf(name, document, signature) !== signer) throw new Refused('WrongSigner')
}

/** Tokens that a call takes from somebody who must have allowed it. */
export function spend(state: ChainState, owner: Address, spender: Address, amount: bigint): ChainState {
  const key = `${owner}>${spender}`
  const allowed = state.allowances.get(key) ?? 0n
  if (allowed < amount) throw new Refused('ERC20InsufficientAllowance')
  return allowed === unlimited
    ? state
    : { ...state, allowances: put(state.allowances, key, allowed - amount) }
}
const unlimited = 2n ** 256n - 1n

/** Permits of the simulation are not looked at closely: whoever holds one may take what it says. */
export function permit(state: ChainState, owner: Address, spender: Address, raw: Result): ChainState {
  if (raw.value === 0n || Number(raw.deadline) < state.money.now) return state
  return {
    ...state,
    allowances: put(state.allowances, `${owner}>${spender}`, BigInt(raw.value)),
    permitNonces: put(state.permitNonces, owner, (state.permitNonces.get(owner) ?? 0n) + 1n),
  }
}
