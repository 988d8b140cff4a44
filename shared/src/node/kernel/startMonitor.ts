import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/**
 * Starts a command that tells of changes for as long as it runs. It ends with us, however we end.
 *
 * @param monitor - The program first.
 */
export function startMonitor(monitor: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  const [program = '', ...args] = ['setpriv', '--pdeathsig', 'KILL', '--', ...monitor]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  // One that cannot be started is closed, too.
  child.on('error', () => {})
  return child
}
