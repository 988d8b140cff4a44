import { createInterface } from 'node:readline/promises'
import { UserError } from '@pontage/shared/node'

/** Asks at the terminal whether to go on. @throws UserError when the answer is not yes */
export async function confirm(): Promise<void> {
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await reader.question('Continue? [y/N] ')
  reader.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('Nothing was signed.')
}
