import { expect, it } from 'vitest'
import { Turns } from './turns.js'

/** Work that ends when it is told to. */
function desk(capacity: number) {
  const turns = new Turns(capacity)
  const begun: string[] = []
  const ends: (() => void)[] = []
  return {
    begun,
    ask: (who: string, cost: number) =>
      void turns.take(who, cost, async () => {
        begun.push(who)
        await new Promise<void>((resolve) => ends.push(resolve))
      }),
    async end() {
      ends.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

it('takes turns between those who ask, however much one of them asked for before', async () => {
  const { ask, end, begun } = desk(10)
  for (let n = 0; n < 50; n++) ask('greedy', 10)
  ask('honest', 1)
  await end()
  await end()
  expect(begun).toEqual(['greedy', 'greedy', 'honest'])
})

it('lets as much be under way as it may, and what is larger alone', async () => {
  const { ask, end, begun } = desk(10)
  for (const cost of [4, 4, 4, 30, 1]) ask(`${cost}`, cost)
  await end()
  expect(begun).toEqual(['4', '4', '4'])
  await end()
  await end()
  expect(begun).toEqual(['4', '4', '4', '30'])
  await end()
  expect(begun).toEqual(['4', '4', '4', '30', '1'])
})

it('goes on after what failed', async () => {
  const turns = new Turns(1)
  await expect(turns.take('a', 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await turns.take('b', 1, async () => 7)).toBe(7)
})
