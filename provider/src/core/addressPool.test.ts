import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AddressPool } from './addressPool.js'
import { overlap, parseRange } from './addressRange.js'

const subnets = { subnet4: '10.86.0.0/16', subnet6: 'fd50:6f6e:7467::/64' }

describe('tunnel addresses', () => {
  it('begin with the provider’s own', () => {
    const pool = new AddressPool(subnets, 1_000)
    expect(pool.gateway).toEqual({ address4: '10.86.0.1', address6: 'fd50:6f6e:7467::1' })
    expect(pool.take()).toEqual({ address4: '10.86.0.2', address6: 'fd50:6f6e:7467::2' })
  })

  it('go on past a byte', () => {
    const pool = new AddressPool(subnets, 1_000)
    const last = Array.from({ length: 300 }, () => pool.take()).at(-1)
    expect(last).toEqual({ address4: '10.86.1.45', address6: 'fd50:6f6e:7467::12d' })
  })

  it('can be claimed again by those who had them, while they are free', () => {
    const pool = new AddressPool(subnets, 20)
    const had = { address4: '10.86.0.5', address6: 'fd50:6f6e:7467::5' }
    expect(pool.claim(had)).toBe(true)
    expect(pool.claim(had)).toBe(false)
    expect(pool.claim({ ...had, address4: '10.99.0.5' })).toBe(false)
    const given = Array.from({ length: 19 }, () => pool.take())
    expect(given).not.toContainEqual(had)
    expect(pool.take()).toBeUndefined()
  })

  it('are never given twice at a time, and come back when freed', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (takes) => {
        const pool = new AddressPool(subnets, 20)
        const held: { address4: string; address6: string }[] = []
        for (const take of takes) {
          if (take) {
            const given = pool.take()
            if (held.length === 20) expect(given).toBeUndefined()
            else if (given) held.push(given)
          } else {
            const back = held.shift()
            if (back) pool.free(back)
          }
          expect(new Set(held.map(({ address4 }) => address4)).size).toBe(held.length)
        }
      }),
    )
  })

  it('need a subnet that is one, with room', () => {
    expect(() => new AddressPool({ ...subnets, subnet4: '10.86.0.0/29' }, 6)).toThrow(/room for 5/)
    expect(() => new AddressPool({ ...subnets, subnet4: 'fd00::/64' }, 1)).toThrow(/not an IPv4 subnet/)
    expect(() => new AddressPool({ ...subnets, subnet6: '10.0.0.0/8' }, 1)).toThrow(/not an IPv6 subnet/)
  })
})

describe('ranges', () => {
  const range = (text: string) => {
    const parsed = parseRange(text)
    if (parsed === undefined) throw new Error(`${text} was not read.`)
    return parsed
  }
  it('overlap when one holds the other', () => {
    expect(overlap(range('10.0.0.0/8'), range('10.86.0.0/16'))).toBe(true)
    expect(overlap(range('10.86.4.0/24'), range('10.86.0.0/16'))).toBe(true)
    expect(overlap(range('10.87.0.0/16'), range('10.86.0.0/16'))).toBe(false)
    expect(overlap(range('::/0'), range('10.86.0.0/16'))).toBe(false)
    expect(overlap(range('fd50::/16'), range('fd50:6f6e:7467::/64'))).toBe(true)
  })
  it.each(['10.0.0.0', '10.0.0.0/33', '256.0.0.0/8', 'fd::1::/64', 'default', '1:2:3/64'])(
    '%s is none',
    (text) => expect(parseRange(text)).toBeUndefined(),
  )
})
