import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { UserError } from '../program/userError.js'

/**
 * The keystore's password: from `file`, else from the systemd credential `pontage-password`,
 * else typed at the terminal without echo.
 *
 * Of a file, one line counts, without its end (LF or CRLF). One that others can read is said, and used.
 *
 * @throws UserError when there is no file, no credential and no terminal, or the file holds no password.
 */
export async function readPassword(file: string | undefined, question: string): Promise<string> {
  const credentials = process.env.CREDENTIALS_DIRECTORY
  const path = file ?? (credentials === undefined ? undefined : join(credentials, 'pontage-password'))
  if (path !== undefined) return passwordIn(path)
  if (held !== undefined) return held
  if (!process.stdin.isTTY)
    throw new UserError(
      'A password is needed, and there is no terminal to ask for it. Give --password-file FILE, or a systemd credential named pontage-password.',
      { code: 'no-password' },
    )
  return ask(question)
}

let held: string | undefined

/** Keeps a password that was typed for as long as this run lasts: nobody is asked for it again. */
export const holdPassword = (password: string): void => {
  held = password
}

async function passwordIn(path: string): Promise<string> {
  const { bytes, mode } = await readWithMode(path).catch((cause) => {
    throw new UserError(`The password cannot be read from ${path}. Check the path and its permissions.`, {
      cause,
    })
  })
  const text = decoded(path, bytes).replace(/\r?\n$/, '')
  if (text === '') throw new UserError(`The password file ${path} is empty. Write the password into it.`)
  if (/[\r\n]/.test(text))
    throw new UserError(`The password file ${path} has several lines. Leave the password alone in it.`)
  if ((mode & 0o007) !== 0)
    process.stderr.write(`Other users can access the password file ${path}. Run: chmod 600 ${path}\n`)
  return text
}

async function readWithMode(path: string): Promise<{ bytes: Buffer; mode: number }> {
  const file = await open(path)
  try {
    return { bytes: await file.readFile(), mode: (await file.stat()).mode }
  } finally {
    await file.close()
  }
}

/** @throws UserError for what editors add or change without showing it. */
function decoded(path: string, bytes: Buffer): string {
  const again = 'Save it as UTF-8 without a byte order mark.'
  if (bytes.subarray(0, 3).equals(Buffer.from('efbbbf', 'hex')))
    throw new UserError(
      `The password file ${path} begins with a byte order mark, which nobody typed. ${again}`,
    )
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new UserError(`The password file ${path} is not text in UTF-8. ${again}`, { cause })
  }
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
