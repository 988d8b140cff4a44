import { spawn } from 'node:child_process'
import { constants, fstatSync, ftruncateSync } from 'node:fs'
import { type FileHandle, lstat, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { UserError } from '@pontage/shared/node'
import { giveToOwner, openInHome } from '../../io/home/ownership.js'

const maxLogBytes = 5_000_000
const lookAtLogEveryMs = 600_000
/** Set for the process that goes on in the background: nobody looks at what it prints each second. */
const backgroundVariable = 'PONTAGE_IN_BACKGROUND'
const connectWithinMs = 180_000

/** What is waited for, where the rest is written, and what there was none of when it did not come. */
interface Awaited {
  readonly event: string
  readonly log: string
  readonly nothing: string
}
const connected: Awaited = { event: 'connected', log: 'connect.log', nothing: 'connection' }

/** @throws UserError where a password would have to be asked for. */
export function requirePasswordFile(file: string | undefined): void {
  if (file === undefined && process.env.CREDENTIALS_DIRECTORY === undefined)
    throw new UserError(
      'There is nobody to ask for the password in the background: give --password-file FILE.',
    )
}

/**
 * Starts this program once more, without a terminal, and waits for an event. What it prints goes to a log in the home
 * folder.
 *
 * @param command - The program and its words as they were typed.
 * @throws UserError with its last words when it ends instead.
 */
export async function startInBackground(
  home: string,
  command: readonly string[],
  { event: awaited, log: logName, nothing }: Awaited = connected,
): Promise<{ event: Readonly<Record<string, unknown>>; pid: number | undefined }> {
  const path = join(home, logName)
  const log = await openLog(home, logName)
  const from = (await log.stat()).size
  const words = command.filter((word) => !/^--(background|json)(=.*)?$/.test(word))
  const child = spawn(process.execPath, [...process.execArgv, ...words, '--json'], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, [backgroundVariable]: '1' },
  })
  await log.close()
  let end: number | string | undefined
  child.on('exit', (code, signal) => {
    end = code ?? signal ?? 'a signal'
  })
  const giveUpAt = performance.now() + connectWithinMs
  for (;;) {
    const lines = (await readFile(path)).subarray(from).toString('utf8').split('\n')
    const line = lines.find((each) => each.startsWith(`{"event":"${awaited}"`))
    if (line !== undefined) {
      child.unref()
      const { schema: _, units: __, ...event } = JSON.parse(line)
      return { event, pid: child.pid }
    }
    if (end !== undefined) throw new UserError(lastWords(lines) ?? `It ended with ${end}; see ${path}.`)
    if (performance.now() > giveUpAt) {
      child.kill('SIGTERM')
      throw new UserError(`There was no ${nothing} after ${connectWithinMs / 1_000} s; see ${path}.`)
    }
    await delay(50)
  }
}

/** What earlier connections said is kept, up to a size. */
async function openLog(home: string, logName: string): Promise<FileHandle> {
  const path = join(home, logName)
  const size = await lstat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size > maxLogBytes) await rename(path, `${path}.1`)
  const log = await openInHome(home, logName, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND)
  await giveToOwner(home, log)
  return log
}

/** Keeps the log of a process in the background from growing for ever: what is said now matters more. */
export function boundLog(): void {
  const timer = setInterval(() => {
    if (fstatSync(1).size > maxLogBytes) ftruncateSync(1, 0)
  }, lookAtLogEveryMs)
  timer.unref()
}

/** Whether this process is the one in the background. */
export const isInBackground = (): boolean => process.env[backgroundVariable] !== undefined

const lastWords = (lines: readonly string[]): string | undefined =>
  lines.findLast((line) => line.startsWith('pontage: '))?.slice('pontage: '.length)
