import fc from 'fast-check'
import { expect, it } from 'vitest'
import { UserError } from '../program/userError.js'
import { optionalFlags, requiredFlags, wordOf } from './uiCommand.js'

const anything = fc.anything({ withNullPrototype: true })
const sent = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string().map((text) => `-${text}`),
  anything,
)

it('makes a word of a field only where it cannot be a flag, nor more than one word', () => {
  fc.assert(
    fc.property(sent, (value) => {
      let words: string[] = []
      try {
        words = [wordOf({ value }, 'value'), ...requiredFlags({ value }, 'value')]
      } catch (error) {
        expect(error).toBeInstanceOf(UserError)
        expect((error as Error).message.length).toBeLessThan(300)
        return
      }
      const [word = '', flag] = words
      expect(word).toBe(value)
      expect(word).toMatch(/^[^-\p{Cc}][^\p{Cc}]*$/u)
      expect(flag).toBe(`--value=${word}`)
    }),
    { numRuns: 2_000 },
  )
})

it('leaves out a flag whose field is empty, and refuses one that is nothing', () => {
  expect(optionalFlags({ cap: '', budget: '5' }, 'cap', 'budget', 'other')).toEqual(['--budget=5'])
  expect(() => optionalFlags({ cap: null }, 'cap')).toThrow('"cap" was null; expected a text.')
})
