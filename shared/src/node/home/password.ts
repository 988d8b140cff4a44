import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { UserError } from '../program/userError.js'

/**
 * The keystore's password: from `file`, else from the systemd credential `pontage-password`,
 * else typed at the terminal without echo.
 *
 * @throws UserError when there is no file, no credential and no terminal.
 */
export async function readPassword(file: string | undefined, question: string): Promise<string> {
  const credentials = process.env.CREDENTIALS_DIRECTORY
  const path = file ?? (credentials === undefined ? undefined : join(credentials, 'pontage-password'))
  if (path !== undefined) {
    const text = await readFile(path, 'utf8').catch((cause) => {
      throw new UserError(`The password cannot be read from ${path}. Check the path and its permissions.`, {
        cause,
      })
    })
    return text.replace(/\r?\n$/, '')
  }
  if (!process.stdin.isTTY)
    throw new UserError(
      'A password is needed, and there is no terminal to ask for it. Give --password-file FILE, or a systemd credential named pontage-password.',
    )
  return ask(question)
}

function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true })
  process.stderr.write(question)
  return new Promise((resolve, reject) => {
    reader.on('SIGINT', () => {
      reader.close()
      reject(new UserError('Cancelled.'))
    })
    reader.question('', (answer) => {
      reader.close()
      process.stderr.write('\n')
      resolve(answer)
    })
  })
}
