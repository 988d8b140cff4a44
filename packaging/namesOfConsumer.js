import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { namesToType } from '../consumer/dist/core/providerName.js'

/** Providers that can be typed after `connect`, by what the home knows; undefined after other commands. */
export function namesIn(path, typed) {
  if (path !== 'connect') return undefined
  const at = typed.indexOf('--home')
  const home =
    (at < 0 ? undefined : typed[at + 1]) ??
    process.env.PONTAGE_CONSUMER_HOME ??
    join(homedir(), '.pontage', 'consumer')
  try {
    const { list = [], aliases = {} } = JSON.parse(readFileSync(join(home, 'names.json'), 'utf8'))
    return namesToType({ list, aliases })
  } catch {
    return []
  }
}
