import { execFileSync, spawn } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@pontage/shared/node'
import { resolverText } from './dns.js'

/** The user who typed `sudo`, or nobody else than who we are. */
interface Caller {
  readonly uid: string
  readonly gid: string
  readonly environment: NodeJS.ProcessEnv
}

/**
 * Runs a program in a network namespace as the user who called us, with its own resolver file, at our terminal.
 *
 * @param servers - Resolvers that it asks; left out: those of the machine.
 * @returns Its exit code; 128 and the signal's number when one ended it.
 * @throws UserError when it cannot be started.
 */
export async function runInside(
  home: string,
  netns: string,
  command: readonly string[],
  servers: readonly string[] = [],
): Promise<number> {
  const file = join(home, `${netns}.resolv.conf`)
  if (servers.length > 0) await writeFile(file, resolverText(servers), { mode: 0o644 })
  const caller = callerOf(process.env)
  // `ip netns exec` gives it mounts of its own, so the machine's resolver file is covered for it alone.
  const cover =
    'if [ -e "$0" ] && [ -e /etc/resolv.conf ]; then mount --bind "$0" /etc/resolv.conf; fi; exec "$@"'
  const asCaller = [
    'setpriv',
    '--reuid',
    caller.uid,
    '--regid',
    caller.gid,
    '--init-groups',
    '--',
    ...command,
  ]
  const child = spawn('ip', ['netns', 'exec', netns, 'sh', '-c', cover, file, ...asCaller], {
    stdio: 'inherit',
    env: { ...process.env, ...caller.environment },
  })
  // Ctrl-C at the terminal reaches it by itself; what is sent to us alone is handed on.
  const handOn = () => child.kill('SIGTERM')
  process.on('SIGTERM', handOn)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', (cause) =>
        reject(new UserError(`"ip" cannot be started: ${cause.message}.`, { cause })),
      )
      child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : 15)))
    })
  } finally {
    process.off('SIGTERM', handOn)
    await rm(file, { force: true })
  }
}

/** Name and home of the caller come from the system's list of users. */
function callerOf({ SUDO_UID, SUDO_GID }: NodeJS.ProcessEnv): Caller {
  const own = { uid: String(process.getuid?.() ?? 0), gid: String(process.getgid?.() ?? 0), environment: {} }
  if (SUDO_UID === undefined || SUDO_GID === undefined || !/^\d+$/.test(SUDO_UID + SUDO_GID)) return own
  try {
    const [name, , , , , home] = execFileSync('getent', ['passwd', SUDO_UID], { encoding: 'utf8' })
      .trim()
      .split(':')
    const environment = { USER: name, LOGNAME: name, HOME: home }
    return { uid: SUDO_UID, gid: SUDO_GID, environment }
  } catch {
    return { uid: SUDO_UID, gid: SUDO_GID, environment: {} }
  }
}
