import { onTestFailed } from 'vitest'
import type { Person, Program } from '../world/index.js'

/**
 * Ends a connection that a test leaves behind when it fails, and what the connection changed: else every test after it would
 * fail, too.
 *
 * @returns The same program.
 */
export function endAfterFailure(person: Pick<Person, 'run'>, program: Program): Program {
  onTestFailed(async () => {
    if (program.running) await program.stop('SIGINT', 30_000)
    await person.run('unlock', '--yes')
  }, 90_000)
  return program
}
