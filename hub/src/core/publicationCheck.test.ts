import { address, wei } from '@pontage/shared'
import { expect, it } from 'vitest'
import { contradictions, coverOf } from './publicationCheck.js'

const provider = (n: number) => address(`0x${String(n).padStart(40, '0')}`)
const leaf = (n: number, total: bigint, outstanding: bigint) => ({
  provider: provider(n),
  total: wei(total),
  outstanding: wei(outstanding),
})
const account = (n: number, credited: bigint, paid: bigint) => ({
  provider: provider(n),
  credited: wei(credited),
  paid: wei(paid),
})

it('holds what is outstanding against what the chain paid', () => {
  const leaves = [leaf(1, 100n, 40n), leaf(2, 50n, 50n)]
  expect(contradictions(leaves, [account(1, 0n, 60n)])).toEqual([])
  expect(contradictions(leaves, [account(1, 0n, 61n), account(2, 0n, 1n)])).toEqual([
    `${provider(1)} was paid 61 wei on chain, but 60 wei according to the publication`,
    `${provider(2)} was paid 1 wei on chain, but 0 wei according to the publication`,
  ])
})

it.each([
  [100n, 0n, 0n, 'pool'],
  [99n, 0n, 2n, 'pool and stake'],
  [100n, 1n, 1n, 'nothing'],
  [0n, 0n, 200n, 'pool and stake'],
  [0n, 0n, 199n, 'nothing'],
])('a pool of %s less %s and a stake of %s cover 100 by %s', (balance, pendingWithdrawal, stake, by) => {
  const cover = coverOf([leaf(1, 130n, 120n), leaf(2, 10n, 10n)], [account(1, 40n, 10n)], {
    balance: wei(balance),
    pendingWithdrawal: wei(pendingWithdrawal),
    stake: wei(stake),
  })
  expect(cover).toMatchObject({ advance: 100n, by })
})
