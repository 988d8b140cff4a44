import { readFileSync } from 'node:fs'

/** Programs that bring a shell over the network. */
const carriers = new Set(['sshd', 'sshd-session', 'dropbear', 'mosh-server', 'in.telnetd', 'telnetd'])

/**
 * Whether this shell comes over the network, also behind sudo, which hides it: one of the processes above serves it.
 *
 * @returns The address that it comes from, '' where that is not known; undefined for a shell of this machine.
 */
export function remoteShell(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const own = clientOf(environment.SSH_CONNECTION)
  if (own !== undefined) return own
  let known = ''
  for (let pid = process.ppid; pid > 1; ) {
    const found = processOf(pid)
    if (found === undefined) return undefined
    if (carriers.has(found.name)) return known
    known = known || (clientOf(found.sshConnection) ?? '')
    pid = found.parent
  }
  return undefined
}

/** SSH_CONNECTION: client address and port, server address and port. */
const clientOf = (text: string | undefined): string | undefined => text?.split(' ')[0] || undefined

function processOf(
  pid: number,
): { name: string; parent: number; sshConnection: string | undefined } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const end = stat.lastIndexOf(')')
    const name = stat.slice(stat.indexOf('(') + 1, end)
    const parent = Number(stat.slice(end + 2).split(' ')[1])
    return { name, parent, sshConnection: variableOf(pid, 'SSH_CONNECTION') }
  } catch {
    return undefined
  }
}

/** Only root, or its owner, may read a process's environment. */
function variableOf(pid: number, name: string): string | undefined {
  try {
    const found = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .find((each) => each.startsWith(`${name}=`))
    return found?.slice(name.length + 1)
  } catch {
    return undefined
  }
}
