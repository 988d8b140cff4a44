import { setTimeout as delay } from 'node:timers/promises'
import { askControl, type ControlRequest, runCommand, UserError } from '@pontage/shared/node'

/** A service that was just started listens a moment later. */
const startsWithinMs = 10_000
const lookEveryMs = 100

/**
 * Asks the service, and waits for it where it was just started.
 *
 * @param isStarted - Whether the service listens soon, if it does not yet.
 * @param patienceMs - How long one is waited for that was started.
 * @throws UserError where no service runs, or none listens in time, and with the service's own sentence.
 */
export async function askService<Value>(
  path: string,
  request: ControlRequest,
  withinMs: number,
  isStarted: () => Promise<boolean> = serviceIsStarted,
  patienceMs = startsWithinMs,
): Promise<Value> {
  const giveUpAt = performance.now() + patienceMs
  do {
    const answer = await askControl<Value>(path, request, withinMs)
    if (answer !== undefined) return answer
    if (!(await isStarted()))
      throw new UserError('The service does not run. Start it with "sudo systemctl start pontage-members".')
    await delay(lookEveryMs)
  } while (performance.now() < giveUpAt)
  throw new UserError(
    'The service was started, but does not listen yet. "systemctl status pontage-members" shows what keeps it.',
  )
}

/** Whether systemd has started it, or is about to. One that somebody runs by hand listens already. */
const serviceIsStarted = (): Promise<boolean> =>
  runCommand(['systemctl', 'show', '--property=ActiveState', '--value', 'pontage-members']).then(
    ({ stdout }) => ['active', 'activating', 'reloading'].includes(stdout.trim()),
    () => false,
  )
