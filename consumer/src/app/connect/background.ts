import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { UserError } from '@pontage/shared/node'
import { giveToOwner } from '../../io/home/ownership.js'

const connectWithinMs = 180_000

/** @throws UserError where a password would have to be asked for. */
export function requirePasswordFile(file: string | undefined): void {
  if (file === undefined && process.env.CREDENTIALS_DIRECTORY === undefined)
    throw new UserError(
      'There is nobody to ask for the password in the background: give --password-file FILE.',
    )
}

/**
 * Starts this program once more, without a terminal, and waits until it is connected. What it prints goes to
 * `connect.log` in the home folder.
 *
 * @param command - The program and its words as they were typed.
 * @throws UserError with its last words when it ends instead.
 */
export async function startInBackground(
  home: string,
  command: readonly string[],
): Promise<{ line: string; sentence: string }> {
  const path = join(home, 'connect.log')
  const log = await open(path, 'w', 0o600)
  await giveToOwner(home, log)
  const words = command.filter((word) => !/^--(background|json)(=.*)?$/.test(word))
  const child = spawn(process.execPath, [...process.execArgv, ...words, '--json'], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  let end: number | string | undefined
  child.on('exit', (code, signal) => {
    end = code ?? signal ?? 'a signal'
  })
  const giveUpAt = Date.now() + connectWithinMs
  for (;;) {
    const lines = (await readFile(path, 'utf8')).split('\n')
    const line = lines.find((each) => each.startsWith('{"event":"connected"'))
    if (line !== undefined) {
      child.unref()
      const { provider, interface: name } = JSON.parse(line) as { provider: string; interface: string }
      return {
        line,
        sentence: `Connected to ${provider} through ${name}, in the background (process ${child.pid}).`,
      }
    }
    if (end !== undefined)
      throw new UserError(lastWords(lines) ?? `The connection ended with ${end}; see ${path}.`)
    if (Date.now() > giveUpAt) {
      child.kill('SIGTERM')
      throw new UserError(`There was no connection after ${connectWithinMs / 1_000} s; see ${path}.`)
    }
    await delay(50)
  }
}

const lastWords = (lines: readonly string[]): string | undefined =>
  lines.findLast((line) => line.startsWith('pontage: '))?.slice('pontage: '.length)
