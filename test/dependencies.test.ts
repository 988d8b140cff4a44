import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

// What docs/decisions/0011-dependencies-and-node.md says of the packages, held against the lock files.

interface Locked {
  readonly version: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

const read = (path: string) =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8'))
const locks = ['package-lock.json', 'scripts/node/22/package-lock.json', 'scripts/node/24/package-lock.json']
const installed = (lock: string) =>
  Object.entries<Locked>(read(lock).packages).filter(
    ([path, { link }]) => path.includes('node_modules/') && link !== true,
  )
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

it.each(locks)('%s holds a hash of every package and no address', (lock) => {
  expect(installed(lock).length).toBeGreaterThan(0)
  for (const [path, { resolved, integrity }] of installed(lock)) {
    expect(resolved, path).toBeUndefined()
    expect(integrity, path).toMatch(/^sha512-/)
  }
})

it('has decided on every package that wants to run code when it is installed', () => {
  const decided = Object.keys(read('package.json').allowScripts)
  for (const [path, { hasInstallScript }] of installed('package-lock.json'))
    if (hasInstallScript === true) expect(decided, path).toContain(nameOf(path))
})

it.each([
  ['ws', [8, 21, 1]],
  ['lodash', [4, 18, 1]],
])('has no %s older than %j, however deep', (name, [major = 0, minor = 0, patch = 0]) => {
  const found = installed('package-lock.json').filter(([path]) => nameOf(path) === name)
  expect(found.length).toBeGreaterThan(0)
  for (const [path, { version }] of found) {
    const [a = 0, b = 0, c = 0] = version.split('.').map(Number)
    expect((a - major) * 1e6 + (b - minor) * 1e3 + (c - patch), path).toBeGreaterThanOrEqual(0)
  }
})
