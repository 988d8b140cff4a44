import { expect, it } from 'vitest'
import { Draft, mapOf } from './draft.js'

const parts = { names: new Map([['a', 1]]), others: new Map<string, number>() }

it('copies a part before its first change, and then no more: of many changes each costs the same', () => {
  const draft = new Draft<{ readonly [Name in keyof typeof parts]: ReadonlyMap<string, number> }>(parts)
  let copies = 0
  const counted = (map: ReadonlyMap<string, number>) => {
    copies++
    return mapOf(map)
  }
  for (let n = 0; n < 1_000; n++) draft.own('names', counted).set(`${n}`, n)
  expect(copies).toBe(1)
  expect(draft.parts.names.size).toBe(1_001)
  expect(draft.parts.others).toBe(parts.others)
  expect(parts.names.size).toBe(1)
})

it('leaves alone what was taken', () => {
  const draft = new Draft<{ readonly names: ReadonlyMap<string, number> }>(parts)
  draft.own('names', mapOf).set('b', 2)
  const taken = draft.take()
  draft.own('names', mapOf).set('c', 3)
  expect([...taken.names.keys()]).toEqual(['a', 'b'])
  expect([...draft.take().names.keys()]).toEqual(['a', 'b', 'c'])
})
