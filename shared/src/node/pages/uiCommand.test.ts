import fc from 'fast-check'
import { expect, it } from 'vitest'
import { UserError } from '../program/userError.js'
import { asTyped, optionalFlags, requiredFlags, wordOf } from './uiCommand.js'

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

it('tells a setting that was given to the pages as a flag, though commands find it in their environment', () => {
  const typed = { PONTAGE_CONSUMER_RPC: 'http://127.0.0.1:1' }
  const failed = { error: { code: 'no-chain', message: 'No chain. rpc is set in PONTAGE_CONSUMER_RPC.' } }
  expect(asTyped(failed, typed)).toEqual({
    error: { code: 'no-chain', message: 'No chain. --rpc was given to these pages.' },
  })
  expect(asTyped({ error: { message: 'rpc is set in /etc/a.yaml.' } }, typed)).toEqual({
    error: { message: 'rpc is set in /etc/a.yaml.' },
  })
  const settings = [
    { setting: 'rpc', from: 'variable', place: 'PONTAGE_CONSUMER_RPC' },
    { setting: 'hub', from: 'variable', place: 'PONTAGE_CONSUMER_HUB' },
  ]
  expect(asTyped({ settings: [...settings, { setting: 'json', from: 'flag' }] }, typed)).toEqual({
    settings: [{ setting: 'rpc', from: 'flag', place: '--rpc' }, settings[1]],
  })
})
