import { weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { expect, it } from 'vitest'
import { tooLargeRaise, withinRaise } from './priceRaise.js'

const refused = new Error(
  'The contract refused: RaiseTooLarge (provider 0xF351224410fF2d0D2e041D6f69dA919B300B328a, price 50, limit 44).',
)
const price = (perMegabyte: bigint, perHour: bigint) => ({
  perMegabyte: weiPerMegabyte(perMegabyte),
  perHour: weiPerHour(perHour),
})

it('reads from the refusal how far a price may rise, and asks for no more', () => {
  const raise = tooLargeRaise(refused)
  if (!raise) throw new Error('It was not recognised.')
  expect(raise).toEqual({ asked: 50n, limit: 44n })
  expect(withinRaise(price(50n, 7n), raise)).toEqual(price(44n, 7n))
  expect(withinRaise(price(7n, 50n), raise)).toEqual(price(7n, 44n))
  expect(withinRaise(price(50n, 50n), raise)).toEqual(price(44n, 50n))
  expect(tooLargeRaise(new Error('The contract refused: NotActive (identity 0x1, role 2).'))).toBeUndefined()
})
