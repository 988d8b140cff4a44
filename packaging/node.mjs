import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './repository.mjs'

const home = join(root, 'scripts', 'node', '24')

/** The package with the Node 24 that is shipped; its hash is in the lock file. Downloaded when it is not there yet. */
export function nodeFolder() {
  const found = folderOf()
  if (found !== undefined) return found
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['ci', ...quiet], { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] })
  const fetched = folderOf()
  if (fetched === undefined)
    throw new Error(`There is no Node for ${process.platform}-${process.arch} in ${home}.`)
  return fetched
}

function folderOf() {
  const modules = join(home, 'node_modules')
  if (!existsSync(modules)) return undefined
  const [name] = readdirSync(modules).filter((each) => existsSync(join(modules, each, 'bin', 'node')))
  return name === undefined ? undefined : join(modules, name)
}
