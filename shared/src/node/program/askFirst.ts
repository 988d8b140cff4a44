import { createInterface } from 'node:readline/promises'
import { UserError } from './userError.js'

/** The flag of commands that ask before they do what cannot be undone at once. */
export const yesFlag = {
  yes: { type: 'boolean', default: false, describe: 'Do not ask for confirmation' },
} as const

/**
 * Says what will happen, and asks whether to go on; without a terminal, with --yes or --json nobody is asked.
 *
 * @throws UserError when the answer is not yes.
 */
export async function askFirst(
  sentence: string,
  { yes, json }: { readonly yes: boolean; readonly json?: boolean },
): Promise<void> {
  if (yes || json || process.stdin.isTTY !== true) return
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await reader.question(`${sentence} Continue? [y/N] `)
  reader.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('Nothing was done.')
}
