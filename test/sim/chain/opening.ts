import { type Address, money, roles, unixSeconds, wei } from '@pontage/shared'
import type { Identity } from '@pontage/shared/node'
import { tokens, whole } from '../actors/people.js'
import { epochSeconds } from '../stage/timeline.js'
import { deployment } from './deployment.js'
import { beginState, type ChainState } from './state.js'

/** Who takes part. */
export interface Cast {
  readonly hubs: readonly Identity[]
  readonly providers: readonly Identity[]
  readonly consumers: readonly Identity[]
}

/** What each consumer has at stake. */
export const consumerStake = whole
/** Where the hub is reached, as it registered. */
export const hubUrl = 'ws://hub:7700'
/** What everybody begins with. */
export const riches = tokens(10_000)

/** Everybody rich and registered, the contracts allowed to take, each hub's pool filled. */
export function openingState({ hubs, providers, consumers }: Cast, pool: bigint): ChainState {
  const everybody = [...hubs, ...providers, ...consumers].map(({ address }) => address)
  const now = unixSeconds(epochSeconds)
  let state = beginState(
    now,
    everybody.map((owner): [Address, bigint] => [owner, riches]),
  )
  const act = (operation: money.Operation) => {
    const moved = money.move(state.money, operation)
    if (!moved.ok) throw new Error(`${operation.do} was refused: ${moved.refusal}`)
    state = { ...state, money: moved.money }
  }
  const enter = (all: readonly Identity[], role: number, stake: bigint) => {
    for (const { address } of all)
      act({ do: 'register', by: address, roles: role, stake: wei(stake), beneficiary: address })
  }
  enter(hubs, roles.hub, 2_000n * whole)
  enter(providers, roles.provider, 50n * whole)
  enter(consumers, roles.consumer, consumerStake)
  for (const { address } of hubs) act({ do: 'fund', by: address, hub: address, amount: wei(pool) })
  const unlimited = 2n ** 256n - 1n
  const allowances = everybody.flatMap((owner): [string, bigint][] => [
    [`${owner}>${deployment.channels}`, unlimited],
    [`${owner}>${deployment.registry}`, unlimited],
  ])
  const urls = hubs.map(({ address }): [Address, string] => [address, hubUrl])
  return { ...state, allowances: new Map(allowances), urls: new Map(urls) }
}
