import { expect, it } from 'vitest'
import { UserError } from '../program/userError.js'
import { sayingTokens, withTokens } from './withTokens.js'

const token = { symbol: 'PTT', decimals: 18 }

it('says amounts and prices in tokens, and leaves the rest of a sentence alone', () => {
  expect(withTokens('The stake is 1500000000000000000 wei, but this provider requires 5 wei.', token)).toBe(
    'The stake is 1.5 PTT, but this provider requires 0.000000000000000005 PTT.',
  )
  expect(withTokens('The price is 50000000000000 wei per megabyte.', token)).toBe('The price is 0.05 PTT/GB.')
  expect(withTokens('The price is 10000000000000000 wei per hour.', token)).toBe('The price is 0.01 PTT/h.')
  expect(withTokens('Block 12, weir 3.', token)).toBe('Block 12, weir 3.')
})

it('says so whoever failed, and lets faults of ours be', async () => {
  const fails = (error: Error) => sayingTokens(token, () => Promise.reject(error))
  await expect(fails(new UserError('It owes 2000000000000000000 wei.'))).rejects.toThrow(/^It owes 2 PTT\.$/)
  const fault = new Error('5 wei')
  await expect(fails(fault)).rejects.toBe(fault)
})
