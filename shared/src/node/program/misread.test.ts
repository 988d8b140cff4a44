import { expect, it } from 'vitest'
import { explainMisread, type Misread } from './misread.js'

const told = (message: string, more: Partial<Misread> = {}) => {
  const { message: said, cure } = explainMisread({
    ...{ message, program: 'pontage', path: [], form: '', commands: ['connect', 'channel', 'exec'] },
    ...{ isFlag: () => false, flags: ['network', 'cap'], words: [] },
    ...more,
  })
  return `${said} ${cure}`
}

it('names the command that was typed, and the one that was meant', () => {
  expect(told('Unknown argument: conect', { words: ['conect'] })).toBe(
    '"conect" is no command of pontage. Did you mean "pontage connect"? See pontage --help.',
  )
  expect(told('Unknown argument: frobnicate', { words: ['frobnicate'] })).toBe(
    '"frobnicate" is no command of pontage. See pontage --help.',
  )
  expect(told('Unknown arguments: open, channel', { words: ['open', 'channel'] })).toBe(
    '"open" is no command of pontage. Did you mean "pontage channel open"? See pontage --help.',
  )
  const channel = { path: ['channel'], commands: ['open', 'close'], words: ['channel', 'opne'] }
  expect(told('Unknown argument: opne', channel)).toBe(
    '"opne" is no command of pontage channel. Did you mean "pontage channel open"? See pontage channel --help.',
  )
})

it('says how a command is typed that got too many words, or too few', () => {
  const send = { path: ['send'], form: 'send <to> <amount>', commands: [] }
  expect(told('Unknown argument: now', send)).toBe(
    '"now" is one word too many: expected "pontage send <to> <amount> [options]". See pontage send --help.',
  )
  expect(told('Not enough non-option arguments: got 1, need at least 2', send)).toBe(
    'Something is missing: expected "pontage send <to> <amount> [options]". See pontage send --help.',
  )
})

it('names flags with their dashes', () => {
  const flags = { isFlag: () => true, path: ['channel', 'open'], form: 'channel open', commands: [] }
  expect(told('Unknown arguments: netwrok, netWrok', flags)).toBe(
    '--netwrok is not known to "pontage channel open". Did you mean --network? See pontage channel open --help.',
  )
  expect(told('Unknown argument: cap', flags)).toBe(
    '--cap is not known to "pontage channel open". See pontage channel open --help.',
  )
  expect(told('Missing required arguments: hub, amount', flags)).toMatch(/^--hub and --amount are missing\. /)
  expect(told('Missing required argument: hub', flags)).toMatch(/^--hub is missing\. /)
  expect(told('Not enough arguments following: cap', flags)).toMatch(/^--cap needs a value\. /)
  const sort = 'Invalid values:\n  Argument: sort, Given: "age", Choices: "price", "stake", "latency"'
  expect(told(sort, flags)).toMatch(/^--sort cannot be "age": expected "price", "stake" or "latency"\. /)
})

it('passes on what it does not know, as one sentence', () => {
  expect(told('Something\n  else', {})).toBe('Something else. See pontage --help.')
})
