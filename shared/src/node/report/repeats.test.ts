import { expect, it } from 'vitest'
import { createRepeats } from './repeats.js'

it('says a thing once, another thing too, and the first again after ten minutes', () => {
  let now = 0
  const isNews = createRepeats(() => now)
  expect([isNews('a'), isNews('a'), isNews('b')]).toEqual([true, false, true])
  now = 599_999
  expect(isNews('a')).toBe(false)
  now = 600_000
  expect(isNews('a')).toBe(true)
})
