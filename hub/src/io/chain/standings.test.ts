import { type Address, address } from '@pontage/shared'
import type { StandingOnChain } from '@pontage/shared/node'
import { expect, it } from 'vitest'
import { Standings } from './standings.js'

const person = (number: number): Address => address(`0x${String(number).padStart(40, '0')}`)
const standing = (who: Address) => ({ url: who }) as unknown as StandingOnChain

/** A chain whose answers come when they are let go. */
function slowChain() {
  const calls: { asked: readonly Address[]; answer: () => void; fail: () => void }[] = []
  const standings = new Standings(
    (asked) =>
      new Promise((resolve, reject) => {
        calls.push({
          asked,
          answer: () => resolve(asked.map(standing)),
          fail: () => reject(new Error('no answer')),
        })
      }),
  )
  const called = async (count: number) => {
    while (calls.length < count) await new Promise((resolve) => setImmediate(resolve))
    return calls[count - 1]
  }
  return { standings, calls, called }
}

it('reads with one call what is asked for while another is under way, each once, and gives each its own', async () => {
  const { standings, calls, called } = slowChain()
  const first = standings.of([person(1), person(2)])
  const call = await called(1)
  const others = [standings.of([person(3), person(1)]), standings.of([person(4), person(3)])]
  call?.answer()
  ;(await called(2))?.answer()
  expect(await first).toEqual([standing(person(1)), standing(person(2))])
  expect(await Promise.all(others)).toEqual([
    [standing(person(3)), standing(person(1))],
    [standing(person(4)), standing(person(3))],
  ])
  expect(calls.map(({ asked }) => asked)).toEqual([
    [person(1), person(2)],
    [person(3), person(1), person(4)],
  ])
})

it('tells a failure to those who were in that call, and goes on with the next', async () => {
  const { standings, called } = slowChain()
  const first = standings.of([person(1)])
  const call = await called(1)
  const second = standings.of([person(1)])
  call?.fail()
  await expect(first).rejects.toThrow('no answer')
  ;(await called(2))?.answer()
  expect(await second).toEqual([standing(person(1))])
})

it('does not wait for a call that hangs', async () => {
  const { standings, called } = slowChain()
  void standings.of([person(1)])
  await called(1)
  const second = standings.of([person(2)])
  ;(await called(2))?.answer()
  expect(await second).toEqual([standing(person(2))])
})
