import { expect, it } from 'vitest'
import { UserError } from '../program/userError.js'
import { commonQuestions } from './commonQuestions.js'
import type { Known } from './known.js'
import { answer } from './question.js'
import type { Terminal } from './terminal.js'

it('lets whoever mistyped a new password type it anew, which nobody sees', async () => {
  const questions = commonQuestions.filter(({ flag }) => flag === 'password-file')
  const known = { hasKey: false, isAtTerminal: true, given: {}, home: '/nowhere' } as unknown as Known
  // The first was mistyped.
  const typed = ['wrod', 'word', 'word']
  const said: string[] = []
  const terminal = {
    secret: async () => typed.shift() ?? Promise.reject(new Error('It asks for ever.')),
    wrong: (text: string) => void said.push(text),
  } as unknown as Terminal
  await answer('pontage', questions, known, terminal)
  expect(known.password).toBe('word')
  expect(said).toEqual(['That differs from the one before. Type it once more.'])
  expect(typed).toEqual([])
})

it('says of a program without a terminal what is missing, and nothing of what is checked against that', async () => {
  const take = () => {
    throw new UserError('Not checked: the chain cannot be asked yet.')
  }
  const network = { flag: 'network', value: 'NAME', ask: 'Network', given: () => undefined, take }
  const stake = { flag: 'stake', value: 'TOKENS', ask: 'Stake', usual: () => '50', take }
  const told = (said?: string) => answer('pontage', [network, { ...stake, given: () => said }], {}, undefined)
  await expect(told()).rejects.toThrow(/^Missing: --network NAME \(network\)\. Give flags/)
  await expect(told('7')).rejects.toThrow(/^--stake: Not checked: .* Missing: --network/)
})
