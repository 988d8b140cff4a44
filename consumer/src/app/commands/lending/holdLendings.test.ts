import { expect, it } from 'vitest'
import { wishesIn } from './holdLendings.js'

const limits = { budget: ['1/day'], cap: [], maxPrice: [] }

it('takes a few short texts of whoever asks to lend', () => {
  expect(wishesIn({ type: 'lend', name: 'phone', country: 'DE', limits })).toEqual({
    ...{ name: 'phone', provider: undefined, country: 'DE' },
    limits: { ...limits, rate: undefined },
  })
})

it.each([
  [{}, /"name"/],
  [{ name: 'phone' }, /"budget"/],
  [{ name: 'phone', limits: { ...limits, budget: [7] } }, /"budget"/],
  [{ name: 'phone', limits: { ...limits, cap: Array(5).fill('1GB') } }, /"cap"/],
  [{ name: 'phone', limits: { ...limits, rate: 'x'.repeat(65) } }, /"rate"/],
  [{ name: 'phone', provider: { toString: 'x' }, limits }, /"provider"/],
])('takes nothing else: %j', (request, sentence) => {
  expect(() => wishesIn({ type: 'lend', ...request })).toThrow(sentence)
})
