import { expect, it } from 'vitest'
import { DayCount } from './dayCount.js'

it('counts each key by itself, and forgets what is a day old', () => {
  const count = new DayCount()
  count.note('a', 1_000)
  count.note('a', 2_000)
  count.note('b', 2_000)
  expect([count.of('a', 2_000), count.of('b', 2_000), count.of('c', 2_000)]).toEqual([2, 1, 0])
  expect([count.of('a', 87_400), count.of('b', 87_400)]).toEqual([1, 1])
  expect([count.of('a', 88_400), count.of('b', 88_400)]).toEqual([0, 0])
})
