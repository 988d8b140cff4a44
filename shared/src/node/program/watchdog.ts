import { spawn } from 'node:child_process'

/**
 * Tells systemd that this process still gets round to things, three times within the time that its unit gives it (`WatchdogSec=`);
 * one that hangs is killed and started again. Does nothing where no unit asks for it.
 *
 * @param environment - What systemd passes: `WATCHDOG_USEC`, `WATCHDOG_PID`, and `NOTIFY_SOCKET` for the one who tells it.
 * @returns Ends the telling; the process does not wait for it.
 */
export function tellWatchdog(environment: NodeJS.ProcessEnv = process.env): () => void {
  const allowedMs = Number(environment.WATCHDOG_USEC ?? 0) / 1_000
  if (!(allowedMs > 0) || environment.WATCHDOG_PID !== String(process.pid)) return () => {}
  const tell = () => {
    const told = spawn('systemd-notify', ['WATCHDOG=1'], { env: environment, stdio: 'ignore' })
    // One that cannot be started now is missed; the next may get through in time.
    told.on('error', () => {})
    told.unref()
  }
  tell()
  const timer = setInterval(tell, allowedMs / 3)
  timer.unref()
  return () => clearInterval(timer)
}
