import { unixSeconds } from '@pontage/shared'
import { expect, it } from 'vitest'
import { createCalendar } from './calendar.js'

const november = 1_796_083_000

it('goes by the time that passed since the chain agreed with the clock, whoever sets that meanwhile', () => {
  let said = november
  let passed = 1_000.25
  const calendar = createCalendar({ now: () => unixSeconds(said) }, () => passed)
  said += 40 * 86_400
  expect(calendar.now()).toBe(november)
  said = november - 40 * 86_400
  passed += 3_600
  expect(calendar.now()).toBe(november + 3_600)
  said = november + 3_590
  calendar.agree()
  passed += 10
  expect(calendar.now()).toBe(november + 3_600)
})
