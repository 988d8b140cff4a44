import { expect, it } from 'vitest'
import { type Beyond, beginDelivery, watchReturns } from './delivery.js'

/** Looks once a second. @returns The seconds at which it was suspected. */
function suspectedAt(looks: readonly (readonly [sent: bigint, received: bigint])[]): number[] {
  const beyond = ([sent, received]: readonly [bigint, bigint]): Beyond => ({ sent, received })
  let delivery = beginDelivery(beyond([0n, 0n]), 0)
  return looks.flatMap((each, second) => {
    const next = watchReturns(delivery, beyond(each), second * 1_000)
    delivery = next.delivery
    return next.isSuspect ? [second] : []
  })
}

it('suspects a provider within seconds when much goes out and nothing comes back', () => {
  const looks = Array.from({ length: 6 }, (_, second) => [BigInt(second) * 4n, 0n] as const)
  expect(suspectedAt(looks)[0]).toBeLessThanOrEqual(5)
  expect(suspectedAt(looks)).not.toEqual([])
})

it('suspects nobody while anything comes back, however little', () => {
  expect(
    suspectedAt(Array.from({ length: 20 }, (_, second) => [BigInt(second) * 400n, BigInt(second)])),
  ).toEqual([])
})

it('suspects nobody for a few packets to a host that is not there', () => {
  expect(suspectedAt(Array.from({ length: 20 }, () => [5n, 0n]))).toEqual([])
})

it('suspects nobody when traffic begins again after a silence', () => {
  const silence = Array.from({ length: 10 }, () => [50n, 50n] as const)
  expect(suspectedAt([...silence, [70n, 50n], [80n, 90n]])).toEqual([])
})
