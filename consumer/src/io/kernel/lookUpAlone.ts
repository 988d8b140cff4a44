import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { CommandFailed, runCommand } from '@pontage/shared/node'
import { nameAsker } from '../../core/killSwitch.js'
import { resolverFile } from './dns.js'
import { withNamesCovered } from './runInside.js'

/** What systemd-resolved asks itself; its own file names only itself. */
const upstreamFile = '/run/systemd/resolve/resolv.conf'
const withinMs = 4_000

/**
 * Asks for the addresses of a host as the one user whose questions the kill switch lets out while a provider is asked. No
 * service of the machine asks in its place: that one would be stopped.
 *
 * @param timeoutMs - How long it may take.
 * @returns undefined where that is not possible here, or the name is not known.
 */
export async function lookUpAlone(
  host: string,
  timeoutMs = withinMs,
): Promise<readonly string[] | undefined> {
  const servers = (await resolversIn(resolverFile)) ?? (await resolversIn(upstreamFile))
  if (servers === undefined) return undefined
  const asker = ['--reuid', nameAsker, '--regid', nameAsker, '--clear-groups', '--']
  try {
    const { stdout } = await withNamesCovered(servers, (covered) =>
      runCommand(['unshare', '--mount', ...covered, 'setpriv', ...asker, 'getent', '--', 'ahosts', host], {
        timeoutMs,
      }),
    )
    const found = stdout.split('\n').map((line) => line.split(/\s/)[0] ?? '')
    const addresses = [...new Set(found.filter((each) => isIP(each) > 0))]
    return addresses.length === 0 ? undefined : addresses
  } catch (error) {
    if (error instanceof CommandFailed) return undefined
    throw error
  }
}

/** Undefined where none is on the network: one on this machine would have to ask others, too. */
async function resolversIn(file: string): Promise<string[] | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = '']) => server)
  const remote = servers.filter((each) => isIP(each) > 0 && !/^(127\.|::1$)/.test(each))
  return remote.length === 0 ? undefined : remote
}
