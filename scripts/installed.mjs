// Exits 0 when node_modules holds what package-lock.json asks for and the native parts load in this Node.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const root = new URL('../', import.meta.url)
const packages = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8')).packages
const natives = { hub: ['better-sqlite3'], shared: ['secp256k1/bindings'] }

function missing() {
  let installed
  try {
    installed = packages('node_modules/.package-lock.json')
  } catch {
    return 'node_modules'
  }
  const locked = packages('package-lock.json')
  const isOurs = (path) => locked[''].devDependencies[path.slice('node_modules/'.length)] !== undefined
  for (const [path, wanted] of Object.entries(locked)) {
    const isOptional = wanted.optional || wanted.devOptional || wanted.peer
    if (!path.includes('node_modules/') || wanted.link || (isOptional && !isOurs(path))) continue
    const found = installed[path]
    if (found?.version !== wanted.version || found?.integrity !== wanted.integrity) return path
  }
  for (const [workspace, names] of Object.entries(natives)) {
    const require = createRequire(new URL(`${workspace}/package.json`, root))
    for (const name of names) {
      try {
        const part = require(name)
        if (name === 'better-sqlite3') new part(':memory:').close()
      } catch {
        return `the native part of ${name}`
      }
    }
  }
  return undefined
}

const what = missing()
if (what !== undefined) {
  console.error(`setup: not installed, or not as package-lock.json says: ${what}`)
  process.exit(1)
}
