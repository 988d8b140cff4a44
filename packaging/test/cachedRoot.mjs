import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What the packages depend on, so that they are installed without a network; and what their users have. */
const included = 'wireguard-tools,nftables,iproute2,iputils-ping,systemd,debconf,passwd,sudo,curl'

/**
 * A Debian of this machine's version, with nothing in it but what the packages depend on and sudo; kept for the next time.
 *
 * @returns {string} path of the archive.
 */
export function cachedRoot() {
  const release = readFileSync('/etc/os-release', 'utf8')
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] ?? 'stable'
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pontage')
  const contents = createHash('sha256').update(included).digest('hex').slice(0, 8)
  const path = join(folder, `clean-${codename}-${process.arch}-${contents}.tar`)
  if (existsSync(path)) return path
  mkdirSync(folder, { recursive: true })
  const unfinished = `${path}.${process.pid}.tar`
  const flags = ['--quiet', '--variant=minbase', `--include=${included}`]
  execFileSync('mmdebstrap', [...flags, codename, unfinished], { stdio: ['ignore', 'ignore', 'inherit'] })
  renameSync(unfinished, path)
  return path
}

if (import.meta.main) console.log(cachedRoot())
