import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { roles } from '../../packaging/roles.mjs'

/**
 * What each program that runs in this world takes of memory, with the processes that it has started: resident, and of that its own,
 * without what it shares with others, such as the text of Node.
 *
 * @param {string} folder - Where the programs are installed.
 * @returns {Record<string, { residentMegabytes: number, ownMegabytes: number }>}
 */
export function idleMemory(folder) {
  const found = {}
  for (const { command, status } of processes()) {
    const role = Object.keys(roles).find((name) => command.includes(join(folder, 'lib', name, '/')))
    if (role === undefined) continue
    const kilobytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
    const { residentMegabytes = 0, ownMegabytes = 0 } = found[role] ?? {}
    found[role] = {
      residentMegabytes: Math.round(residentMegabytes + (kilobytes('VmRSS') * 1_024) / 1e6),
      ownMegabytes: Math.round(ownMegabytes + (kilobytes('RssAnon') * 1_024) / 1e6),
    }
  }
  return found
}

function processes() {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const [command, status] = ['cmdline', 'status'].map((name) =>
        readFileSync(join('/proc', pid, name), 'utf8'),
      )
      return [{ command, status }]
    } catch {
      return [] // It ended meanwhile.
    }
  })
}
