import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sourceDate } from './repository.mjs'

/**
 * A Debian of this machine's version with a few packages, as an archive; kept for the next time.
 *
 * @param {string} name - What it is for.
 * @param {{ variant: string, include: readonly string[] }} contents - As mmdebstrap has them.
 * @returns {string} path of the archive.
 */
export function debianRoot(name, { variant, include }) {
  const release = readFileSync('/etc/os-release', 'utf8')
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] ?? 'stable'
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pontage')
  const flags = ['--quiet', `--variant=${variant}`, `--include=${include.join(',')}`]
  const contents = createHash('sha256').update(flags.join(' ')).digest('hex').slice(0, 8)
  const path = join(folder, `${name}-${codename}-${process.arch}-${contents}.tar`)
  if (existsSync(path)) return path
  mkdirSync(folder, { recursive: true })
  const unfinished = `${path}.${process.pid}.tar`
  execFileSync('mmdebstrap', [...flags, codename, unfinished], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate) },
  })
  renameSync(unfinished, path)
  return path
}
