import { address, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type Anchored, HeldTotals, lieIn, type Shown } from './leafCheck.js'

const hub = address(`0x${'0a'.repeat(20)}`)
const provider = address(`0x${'0e'.repeat(20)}`)
const block = (number: number, at = number * 10) => ({ number, at })

describe('what was held before a block', () => {
  const totals = new HeldTotals()
  totals.note(hub, wei(0n), block(1))
  totals.note(hub, wei(100n), block(10))
  totals.note(hub, wei(100n), block(20))
  totals.note(hub, wei(300n), block(30))

  it.each([
    [block(10, 1_000), 0n],
    [block(11, 159), 0n],
    [block(11, 160), 100n],
    [block(35), 100n],
    [block(36), 300n],
  ])('at %o is %s', (at, total) => {
    expect(totals.before(hub, at)).toBe(total)
  })

  it('is nothing of another hub', () => {
    expect(totals.before(provider, block(100))).toBe(0n)
  })
})

describe('a hub that says what it owes', () => {
  const anchored: Anchored = { hub, root: '0x01', sum: 900n, pool: 50n, blockNumber: 7 }
  const ours = { provider, held: wei(300n), paid: wei(100n) }
  const leaf = { provider, total: wei(320n), outstanding: wei(220n) }
  const shown: Shown = { liabilities: { ...anchored }, isSigned: true, isProved: true, leaf }
  const lie = (more: Partial<Shown>, our: Partial<typeof ours> = {}) =>
    lieIn(anchored, { ...shown, ...more }, { ...ours, ...our })

  it('is honest when it counts at least what we hold', () => {
    expect(lie({})).toBe(undefined)
    expect(lie({ leaf: { provider, total: wei(300n), outstanding: wei(200n) } })).toBe(undefined)
    expect(lie({ leaf: undefined }, { held: wei(100n) })).toBe(undefined)
  })

  it.each<[string, Partial<Shown>, RegExp]>([
    ['leaves us out', { leaf: undefined }, /omitted what it owes us: it promised 300 wei, of which 100 wei/],
    ['counts too little', { leaf: { ...leaf, total: wei(299n) } }, /counts only 299 wei of the 300 wei/],
    [
      'calls too much paid',
      { leaf: { ...leaf, outstanding: wei(219n) } },
      /219 wei is outstanding, but it is at least 220/,
    ],
    ['proves nothing', { isProved: false }, /does not lead to the root/],
    ['shows somebody else’s leaf', { leaf: { ...leaf, provider: hub } }, /showed the leaf of/],
    [
      'shows another tree',
      { liabilities: { ...anchored, root: '0x02' } },
      /anchored root 0x01 .* showed 0x02/,
    ],
    ['shows another sum', { liabilities: { ...anchored, sum: 899n } }, /anchored sum 900/],
    ['shows another block', { liabilities: { ...anchored, blockNumber: 6 } }, /anchored blockNumber 7/],
    ['does not sign', { isSigned: false }, /did not sign/],
  ])('is found when it %s', (_name, more, words) => {
    expect(lie(more)).toMatch(words)
  })
})
