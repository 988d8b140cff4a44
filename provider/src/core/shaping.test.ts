import { describe, expect, it } from 'vitest'
import { addClass, deleteClass, limitUploads, maxPlaces, nameClass, type Shaped } from './shaping.js'

const at = (place: number): Shaped => ({ place, address4: '10.86.0.2', address6: 'fd50::2' })
const none = { total: undefined, session: undefined }

describe('shaping', () => {
  it('gives each session of each generation a class of its own, within 16 bits', () => {
    const places = [0, 1, 2, 1_000, maxPlaces - 1]
    const ids = places.flatMap((place) =>
      ([0, 1] as const).map((generation) => deleteClass('wg0', generation, at(place)).split(' ').at(-1)),
    )
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(Number.parseInt(id?.split(':')[1] ?? '', 16)).toBeLessThanOrEqual(0xffff)
  })

  it('names in nftables the class that tc was told', () => {
    const [line = ''] = addClass('wg0', 1, at(7), { ...none, session: 10_000_000n })
    const id = /classid (1:\w+)/.exec(line)?.[1]
    expect(line).toContain('ceil 10000000bit')
    expect(nameClass('t', 1, at(7))[0]).toBe(`add element inet t class4 { 10.86.0.2 : ${id} }`)
  })

  it('lets one session have all of a total when there is no other limit', () => {
    expect(addClass('wg0', 0, at(0), { ...none, total: 5_000_000n })[0]).toContain('ceil 5000000bit')
  })

  it('leaves no rule for uploads when nothing is limited', () => {
    expect(limitUploads('t', none).filter((line) => line.startsWith('add'))).toEqual([])
    expect(limitUploads('t', { total: 8_000_000n, session: 800_000n })).toHaveLength(6)
  })
})
