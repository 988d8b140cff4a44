import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@pontage/shared/node'
import { callerOutside, withoutCaller } from './ownRoot.js'
import { resolverText } from './resolverText.js'

/** The user who asked for root's rights, or nobody else than who we are. */
interface Caller {
  readonly uid: string
  readonly gid: string
  readonly environment: NodeJS.ProcessEnv
}

/** Services of the machine that answer for names: they would ask outside the tunnel. */
const nameServices = ['/run/nscd', '/run/systemd/resolve', '/run/avahi-daemon', '/run/dbus', '/run/unscd']
/** What tells wireguard-go where to send the packets: where nobody is root, the program's user could. */
const controls = '/run/wireguard'

/**
 * Covers, for the program alone, what would ask for names outside its network: `ip netns exec` gave it mounts of its own.
 * Arguments: a folder with the files to lay over those of /etc, then the program.
 */
const cover = `
files=$0
resolver=$(readlink -f /etc/resolv.conf)
for service in ${[...nameServices, controls].join(' ')}; do
  if [ -d "$service" ]; then mount -t tmpfs -o size=64k,mode=755 tmpfs "$service" || exit 125; fi
done
if [ -e "$files/resolv.conf" ] && [ -n "$resolver" ]; then
  if [ ! -e "$resolver" ]; then mkdir -p "$(dirname "$resolver")" && : >"$resolver"; fi
  mount --bind "$files/resolv.conf" "$resolver" || exit 125
fi
if [ -e /etc/nsswitch.conf ]; then mount --bind "$files/nsswitch.conf" /etc/nsswitch.conf || exit 125; fi
exec "$@"
`

/**
 * Runs a program in a network namespace as the user who called us, at our terminal. It asks for names with resolvers of its
 * own, and no service of this machine that would ask for it.
 *
 * @param servers - Resolvers that it asks; left out: those of the machine.
 * @param end - Has it asked to end, when there will be no network for it any more.
 * @returns Its exit code; 128 and the signal's number when one ended it.
 * @throws UserError when it cannot be started.
 */
export async function runInside(
  netns: string,
  command: readonly string[],
  servers: readonly string[] = [],
  end?: AbortSignal,
): Promise<number> {
  return withNamesCovered(servers, (covered) =>
    runAsCaller(['ip', 'netns', 'exec', netns, ...covered], command, end),
  )
}

/**
 * Runs a program as the user who called us, at our terminal.
 *
 * @param before - Words before it, which run with our rights.
 * @param end - Has it asked to end.
 * @returns Its exit code; 128 and the signal's number when one ended it.
 * @throws UserError when it cannot be started.
 */
export async function runAsCaller(
  before: readonly string[],
  command: readonly string[],
  end?: AbortSignal,
): Promise<number> {
  const outside = callerOutside()
  const { environment, ...caller } = outside ? { ...outside, environment: {} } : callerOf(process.env)
  const [program = '', ...args] = [
    ...before,
    ...(outside ? asUserOfNothing(caller) : asUser(caller)),
    ...command,
  ]
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...withoutCaller(process.env), ...environment },
  })
  // Ctrl-C at the terminal, and its end, reach it by themselves, and we undo what was for it; what is sent to us alone is handed on.
  const handOn = () => child.kill('SIGTERM')
  const stay = () => {}
  process.on('SIGTERM', handOn)
  for (const signal of ofTheTerminal) process.on(signal, stay)
  end?.addEventListener('abort', handOn)
  return new Promise<number>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new UserError(`"${program}" cannot be started: ${cause.message}.`, { cause })),
    )
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : 15)))
  }).finally(() => {
    process.off('SIGTERM', handOn)
    for (const signal of ofTheTerminal) process.off(signal, stay)
    end?.removeEventListener('abort', handOn)
  })
}

const ofTheTerminal = ['SIGINT', 'SIGHUP'] as const

const asUser = ({ uid, gid }: Omit<Caller, 'environment'>): string[] => [
  ...['setpriv', '--reuid', uid, '--regid', gid, '--init-groups', '--'],
]

/**
 * As the one user there is, in a namespace of users in which it has no rights over the network, the mounts and the processes of
 * ours; of those it sees only what was started with it.
 */
const asUserOfNothing = ({ uid, gid }: Omit<Caller, 'environment'>): string[] => [
  ...['sh', '-c', 'mount -t proc proc /proc && exec "$@"', 'sh'],
  ...['unshare', '--user', '--map-user', uid, '--map-group', gid, '--'],
]

/**
 * Lends words to put before a program that has mounts of its own: it asks these resolvers, and no service of this machine.
 *
 * @param servers - Left out where empty: the machine's own then.
 */
export async function withNamesCovered<Result>(
  servers: readonly string[],
  use: (covered: readonly string[]) => Promise<Result>,
): Promise<Result> {
  // Not in the home folder: root would follow links there.
  const folder = await mkdtemp('/run/pontage-').catch(() => mkdtemp(join(tmpdir(), 'pontage-')))
  try {
    if (servers.length > 0)
      await writeFile(join(folder, 'resolv.conf'), resolverText(servers), { mode: 0o644 })
    await writeFile(join(folder, 'nsswitch.conf'), await lookupOrder(), { mode: 0o644 })
    return await use(['sh', '-c', cover, folder])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The machine's own order of looking things up, but names of hosts only in files and by DNS. */
async function lookupOrder(): Promise<string> {
  const text = await readFile('/etc/nsswitch.conf', 'utf8').catch(() => '')
  const others = text.split('\n').filter((line) => !/^\s*hosts\s*:/.test(line))
  return [...others, 'hosts: files dns', ''].join('\n')
}

/** Whoever used sudo, doas or pkexec. Name and home come from the system's list of users. */
function callerOf({ SUDO_UID, DOAS_USER, PKEXEC_UID }: NodeJS.ProcessEnv): Caller {
  const asked = [SUDO_UID, PKEXEC_UID, DOAS_USER].find((each) => each !== undefined && /^[\w.-]+$/.test(each))
  const own = { uid: String(process.getuid?.() ?? 0), gid: String(process.getgid?.() ?? 0), environment: {} }
  if (asked === undefined) return own
  try {
    const found = execFileSync('getent', ['passwd', asked], { encoding: 'utf8' }).trim().split(':')
    const [name, , uid = '', gid = '', , home] = found
    return { uid, gid, environment: { USER: name, LOGNAME: name, HOME: home } }
  } catch (cause) {
    // Never as root instead.
    throw new UserError(
      `The user ${asked}, who asked for this, is not known here, so the program is not started as anybody.`,
      { cause },
    )
  }
}
