import fc from 'fast-check'
import { type Address, address, unixSeconds, type Wei, wei } from '../units.js'
import { type Moved, move } from './move.js'
import type { Operation } from './operation.js'
import { nextOperation, opening } from './play.js'
import { type Money, type MoneySettings, mint } from './state.js'
import { type Cast, diceOf } from './table.js'

/** A small deployment: short delays and small stakes, so that everything runs out within a play. */
export const settings: MoneySettings = {
  maxGuarantee: 100,
  protestWindow: 200,
  exitDelay: 500,
  withdrawalDelay: 300,
  feeNotice: 500,
  unbonding: 500,
  feeCapBps: 2_000,
  defaultFeeBps: 200,
  minimumStakes: { consumer: wei(10n), provider: wei(50n), hub: wei(101n) },
}

const named = (kind: string, count: number): Address[] =>
  Array.from({ length: count }, (_, index) => address(`0x${kind.repeat(38)}0${index + 1}`))

export const cast: Cast = { consumers: named('c', 3), providers: named('a', 3), hubs: named('b', 2) }
export const everybody = [...cast.consumers, ...cast.providers, ...cast.hubs]

/** Everybody rich, registered and honest so far. */
export function beginning(): Money {
  const money = mint(
    settings,
    unixSeconds(1_000_000),
    everybody.map((owner): [Address, Wei] => [owner, wei(1_000_000n)]),
  )
  return opening(money, cast).reduce((before, operation) => accepted(before, operation), money)
}

/** The money after an operation that the rules must accept. @throws Error when they refuse. */
export function accepted(money: Money, operation: Operation): Money {
  const moved = move(money, operation)
  if (!moved.ok) throw new Error(`${operation.do} was refused: ${moved.refusal}`)
  return moved.money
}

/** Seeds of the steps of a play; fast-check shrinks it by leaving steps out. */
export const plays = (maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength, size: 'max' })

export interface Stepped {
  readonly operation: Operation
  readonly before: Money
  readonly moved: Moved
}

/**
 * Plays on from `money`.
 *
 * @param amend - What a player makes of an operation before it is sent; undefined when it would never do that.
 * @param see - Told of every step.
 */
export function play(
  money: Money,
  seeds: readonly number[],
  see: (step: Stepped) => void,
  amend: (operation: Operation, money: Money) => Operation | undefined = (operation) => operation,
): Money {
  let now = money
  for (const seed of seeds) {
    const operation = amend(nextOperation(now, cast, diceOf(seed)), now)
    if (!operation) continue
    const moved = move(now, operation)
    see({ operation, before: now, moved })
    if (moved.ok) now = moved.money
  }
  return now
}
