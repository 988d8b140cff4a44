import { expect, it } from 'vitest'
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
