import { spawn } from 'node:child_process'
import { UserError } from '../program/userError.js'

/** Longest object that a command prints to a page. */
const maxOutputBytes = 16_000_000

/**
 * Runs a command of this same program, and gives the JSON object that it prints: what a page shows and does is what
 * a person would have been told.
 *
 * @param words - The command and its flags, without `--json`.
 * @param variables - More variables for it: its settings.
 * @returns the object; with `error` where the command failed
 * @throws UserError where the program ended without a word.
 */
export async function runOwnCommand(words: readonly string[], variables: NodeJS.ProcessEnv): Promise<object> {
  const [, program = ''] = process.argv
  const child = spawn(process.execPath, [...process.execArgv, program, ...words, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...variables },
  })
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'a signal'))
  })
  let text = ''
  child.stdout.setEncoding('utf8')
  for await (const chunk of child.stdout) {
    text += chunk
    if (text.length > maxOutputBytes) child.kill('SIGKILL')
  }
  const end = await ended
  const last = text.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(last)
  } catch {
    throw new UserError(`"${words.join(' ')}" ended with ${end} and printed no JSON object.`)
  }
}
