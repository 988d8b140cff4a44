import { expect, it } from 'vitest'
import { unixSeconds } from '../../units.js'
import { commonHeight, notBelieved } from './heads.js'

const now = 1_000_000
const claim = (number: number, secondsAgo: number) => ({ number, at: unixSeconds(now - secondsAgo) })

it('measures nodes by what two of them know, whatever one claims', () => {
  expect(commonHeight([claim(100, 6), claim(101, 2), claim(9_000, 0)], true)).toBe(101)
  expect(commonHeight([claim(100, 6), claim(9_000, 0)], true)).toBe(100)
})

it('measures nodes by what one of them knows where all the others have stood still for half a minute', () => {
  expect(commonHeight([claim(24, 31), claim(126, 0)], true)).toBe(126)
  expect(commonHeight([claim(24, 30), claim(126, 0)], true)).toBe(24)
  expect(commonHeight([claim(24, 400), claim(24, 400), claim(126, 2)], true)).toBe(126)
})

it('takes one node’s word where blocks do not follow the clock', () => {
  expect(commonHeight([claim(24, 0), claim(126, 0)], false)).toBe(126)
})

it('believes no claim without a block, and none from the future', () => {
  expect(notBelieved({ number: 7, at: undefined }, now + 60)).toBe('claims block 7 and cannot show it')
  expect(notBelieved(claim(7, -60), now + 60)).toBeUndefined()
  expect(notBelieved(claim(7, -61), now + 60)).toMatch(/claims block 7, which is 1 s further ahead/)
})
