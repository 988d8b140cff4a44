import fc from 'fast-check'
import { expect, it } from 'vitest'
import { around, drawn, type Part } from './drawn.js'

const items = (parts: readonly Part[]) => parts.flatMap((part) => ('item' in part ? [part.item] : []))
const list = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 200 })
const stretch = fc
  .tuple(fc.integer({ min: -2_000, max: 40_000 }), fc.nat(3_000))
  .map(([top, height]) => ({ top, bottom: top + height }))

it('takes the room of the whole list, draws what is seen and what is kept, and nothing else', () => {
  fc.assert(
    fc.property(list, stretch, fc.uniqueArray(fc.nat(199)), (heights, seen, kept) => {
      const parts = drawn(heights, seen, (item) => kept.includes(item))
      const room = parts.map((part) => ('room' in part ? part.room : (heights[part.item] ?? 0)))
      const sum = (all: readonly number[]) => all.reduce((one, other) => one + other, 0)
      expect(sum(room)).toBe(sum(heights))
      const tops = heights.map((_, item) => sum(heights.slice(0, item)))
      const expected = heights.flatMap((height, item) => {
        const top = tops[item] as number
        const isSeen = top < seen.bottom && top + height > seen.top
        return isSeen || kept.includes(item) ? [item] : []
      })
      expect(items(parts)).toEqual(expected)
      // Rooms beside one another are one.
      for (const [at, part] of parts.entries())
        expect('room' in part && parts[at + 1] !== undefined && 'room' in (parts[at + 1] as Part)).toBe(false)
    }),
  )
})

it('draws further only once the end of what is drawn comes near', () => {
  const first = around({ top: 0, bottom: 900 }, { top: 0, bottom: 0 })
  expect(first).toEqual({ top: -600, bottom: 1_500 })
  expect(around({ top: 200, bottom: 1_100 }, first)).toBe(first)
  expect(around({ top: 400, bottom: 1_300 }, first)).toEqual({ top: -200, bottom: 1_900 })
})
