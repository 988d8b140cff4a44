import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { CommandFailed, commandExists, routeTo, runCommand, UserError } from '@pontage/shared/node'
import { type RootlessMeans, type RootlessSwitch, roomSwitch, rootlessSwitches } from '../../core/rootless.js'

/** Set for this program where it is root in namespaces of its own alone: its user, group and sockets' room outside, `UID:GID:BYTES`. */
const callerVariable = 'PONTAGE_CALLER'

/** Whom this program was started by, where it is root in namespaces of its own alone, and how much room the sockets of its line have. */
export function callerOutside(
  environment: NodeJS.ProcessEnv = process.env,
): { uid: string; gid: string; room: number | undefined } | undefined {
  const [, uid, gid, room] = /^(\d+):(\d+):(\d*)$/.exec(environment[callerVariable] ?? '') ?? []
  return uid === undefined || gid === undefined
    ? undefined
    : { uid, gid, room: room ? Number(room) : undefined }
}

/** What a program of the user is to know of that: nothing. */
export const withoutCaller = ({ [callerVariable]: _, ...rest }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => rest

/** Where pasta answers questions for names, which it puts to the machine's first resolver. */
const nameServer = '169.254.1.1'

/** Without it the kernel's own view of the processes would not fit theirs; propagation: a stick that is taken out is gone here, too. */
const namespaces = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount']

/**
 * The first process of the namespaces. The kernel ends all others with it, and ends it with `unshare`, which ends with us.
 * Nothing is written outside. Arguments: the size of packets that the line takes, the ports of this machine's own loopback that are
 * needed, then the command.
 *
 * /run is a folder of ours, in which the machine's lies but for what we write there. The network lies where the rules that Debian
 * has for pasta (AppArmor) let it look.
 */
const inside = `
mtu=$0 ports=$1 here=$(pwd)
shift
cd /run && mount -t tmpfs -o mode=755 tmpfs /run || exit 125
for each in * user/*; do
  case $each in user | netns | wireguard | pontage-consumer) continue ;; esac
  [ -e "$each" ] || continue
  if [ -d "$each" ]; then mkdir -p "/run/$each"; else : >"/run/$each"; fi
  mount -c --rbind "$each" "/run/$each" 2>/dev/null
done
cd "$here"
line=/run/user/60902/netns/line
mkdir -p "\${line%/*}" && : >"$line" && unshare --net mount -c --bind /proc/self/ns/net "$line" || exit 125
{
  pasta --foreground --quiet --netns-only --netns "$line" --config-net --no-map-gw --mtu "$mtu" \\
    -t none -u none -T "$ports" -U none --dns-forward ${nameServer} 1>&3 2>&3
  echo "pasta ended with $?" >&3
  kill -KILL -1
} &
echo 'nameserver ${nameServer}' >/run/pontage-resolv.conf
if [ -e /etc/resolv.conf ]; then mount --bind /run/pontage-resolv.conf "$(readlink -f /etc/resolv.conf)" || exit 125; fi
nsenter --net="$line" sh -c '
until [ -n "$(ip route show default; ip -6 route show default)" ]; do sleep 0.02; done
read -r process rest </proc/self/stat
echo "process $process" >&3 && exec "$@" 3>&-' sh "$@"
exit $?
`

/** As `inside`, for namespaces that stand: mounts are entered, and the folder is lost with that. */
const beside = 'read -r process rest </proc/self/stat; echo "process $process" >&3; cd "$0" && exec "$@" 3>&-'

/** What this machine has for it. Makes namespaces, which are gone again. */
export async function rootlessMeans(): Promise<RootlessMeans> {
  const tun = await access('/dev/net/tun', constants.R_OK | constants.W_OK).then(
    () => 'open' as const,
    ({ code }: NodeJS.ErrnoException) => (code === 'ENOENT' ? ('missing' as const) : ('closed' as const)),
  )
  const attempt = ['unshare', ...namespaces, '--net', 'ip', 'link', 'set', 'dev', 'lo', 'up']
  const refusal = await runCommand(attempt, { env: withSystemPrograms(process.env) }).then(
    () => undefined,
    (error) => {
      if (!(error instanceof CommandFailed)) throw error
      return error.stderr.trim().split('\n').at(-1) || error.message
    },
  )
  const names = Object.keys(rootlessSwitches) as RootlessSwitch[]
  const values = await Promise.all(names.map(readSwitch))
  const switches = Object.fromEntries(names.map((name, index) => [name, values[index]])) as Record<
    RootlessSwitch,
    number | undefined
  >
  return { pasta: await commandExists('pasta'), tun, refusal, switches, room: await readSwitch(roomSwitch) }
}

async function readSwitch(name: string): Promise<number | undefined> {
  const text = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : Number(text)
}

/**
 * Runs this program once more, as root of namespaces of its own: its line leads to this machine's network, by pasta, and its
 * tunnels and rules are its own. Whatever of it is killed, nothing of it stays.
 *
 * @param options.ownPorts - Ports of this machine's own loopback that it needs, such as a proxy's.
 * @param options.besides - A process in such namespaces, which are used then; left out: new ones.
 * @returns Its exit code.
 * @throws UserError when there is no line, or the line is lost.
 */
export async function runAsOwnRoot(options: {
  ownPorts: readonly number[]
  besides?: number | undefined
}): Promise<number> {
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const [program = '', ...args] =
    options.besides === undefined
      ? [
          ...['setpriv', '--pdeathsig', 'KILL', '--', 'unshare', ...namespaces, '--propagation', 'slave'],
          ...['sh', '-c', inside, String(await lineMtu()), options.ownPorts.join(',') || 'none', ...words],
        ]
      : [
          ...['setpriv', '--pdeathsig', 'KILL', '--', 'nsenter', '--target', String(options.besides)],
          ...['--user', '--preserve-credentials', '--mount', '--net', '--pid'],
          ...['setpriv', '--pdeathsig', 'KILL', '--', 'sh', '-c', beside, process.cwd(), ...words],
        ]
  const child = spawn(program, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...withSystemPrograms(notBehindSudo(process.env)), [callerVariable]: await callerText() },
  })
  const said: string[] = []
  let started: number | undefined
  const lines = createInterface({ input: child.stdio[3] as NodeJS.ReadableStream })
  lines.on('line', (line) => {
    const [, pid] = /^process (\d+)$/.exec(line) ?? []
    if (pid === undefined) said.push(line)
    else started = Number(pid)
  })
  // Ctrl-C reaches them by itself; what is sent to us alone is handed on.
  const handOn = (signal: NodeJS.Signals) => {
    if (started === undefined) child.kill('SIGKILL')
    else
      try {
        process.kill(started, signal)
      } catch {
        // It ended in this moment.
      }
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, handOn)
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', (cause) =>
        reject(new UserError(`"${program}" cannot be started: ${cause.message}.`, { cause })),
      )
      child.on('close', (code, signal) => resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : 9)))
    })
    const why = whyNoLine(said)
    if (why !== undefined) throw new UserError(why)
    return code
  } finally {
    for (const signal of signals) process.off(signal, handOn)
  }
}

/** What pasta said before it ended by itself. */
function whyNoLine(said: readonly string[]): string | undefined {
  const [ended] = said.filter((line) => line.startsWith('pasta ended with'))
  if (ended === undefined) return undefined
  // Without a system log it says that it has none.
  const [reason] = said.filter((line) => line !== ended && !/syslog|^Killed$/.test(line)).slice(-1)
  return `The line of the tunnel is gone, and so is everything that it was for: ${ended}${reason ? ` (${reason})` : ''}. Is this machine on a network?`
}

/** The room is asked for outside: not every kernel shows it in another network. */
const callerText = async (): Promise<string> =>
  `${process.getuid?.()}:${process.getgid?.()}:${(await readSwitch(roomSwitch)) ?? ''}`

/** Plain users have no such folders in their PATH everywhere. */
const withSystemPrograms = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...environment,
  PATH: `${environment.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`,
})

/** Whoever became another user by one of these does not mean the one before. */
const notBehindSudo = ({
  SUDO_UID: _uid,
  SUDO_GID: _gid,
  SUDO_USER: _user,
  DOAS_USER: _doas,
  PKEXEC_UID: _pkexec,
  ...rest
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv => rest

/** Bytes of a packet that this machine's line takes: larger ones the kernel would take apart unseen. */
async function lineMtu(): Promise<number> {
  const routes = await Promise.all(['192.0.2.1', '2001:db8::1'].map((address) => routeTo(address)))
  return Math.min(1_500, ...routes.map((route) => route?.mtu ?? 1_500))
}
