import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.mjs'
import { thirdPartyLicences } from './licences.mjs'
import { put } from './programTree.mjs'
import { root, version } from './repository.mjs'
import { roles } from './roles.mjs'

const platforms = ['linux-x64', 'linuxmusl-x64']

/**
 * Makes the tarball for `npm install --global`, with the three programs. The packages with native parts are its only
 * dependencies, and lie in it, so that nothing is fetched or compiled.
 *
 * @param {string} tree - Folder that is made anew.
 * @param {string} out - Folder that takes the tarball.
 * @returns {Promise<string>} its path.
 */
export async function makeNpmTarball(tree, out) {
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree, { recursive: true })
  const names = /** @type {import('./roles.mjs').Role[]} */ (Object.keys(roles))
  const used = await bundle(names, tree, { platforms })
  cpSync(join(root, 'networks'), join(tree, 'networks'), { recursive: true })
  const programs = names.map((role) => [roles[role].program, `bin/${roles[role].program}.js`, role])
  for (const [, path, role] of programs) {
    const { flags } = roles[role]
    const node = flags.length === 0 ? ['node'] : ['-S', 'node', ...flags]
    put(join(tree, path), `#!/usr/bin/env ${node.join(' ')}\nimport '../${role}/start.js'\n`, 0o755)
  }
  const addons = [...new Set(names.flatMap((role) => roles[role].addons))]
  const { description, license, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const manifest = {
    ...{ name: 'pontage', version, description, license, type: 'module', engines },
    ...{ os: ['linux'], cpu: ['x64'] },
    bin: Object.fromEntries(programs),
    dependencies: Object.fromEntries(addons.map((name) => [name, describeAddon(tree, name).version])),
    bundleDependencies: addons,
  }
  put(join(tree, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md'])
    put(join(tree, name), readFileSync(join(root, name)))
  put(join(tree, 'THIRD-PARTY-LICENCES'), thirdPartyLicences(used, { withNode: false }))
  const pack = ['pack', '--pack-destination', out, '--loglevel=error']
  execFileSync('npm', pack, { cwd: tree, stdio: ['ignore', 'ignore', 'inherit'] })
  return join(out, `pontage-${version}.tgz`)
}

/** What it needs to be compiled is left out of its description, as it is left out of the tarball. */
function describeAddon(tree, name) {
  const path = join(tree, 'node_modules', name, 'package.json')
  const { version, license, main, exports, dependencies = {} } = JSON.parse(readFileSync(path, 'utf8'))
  const there = new Set(readdirSync(join(tree, 'node_modules')))
  const needed = Object.entries(dependencies).filter(([each]) => there.has(each))
  const described = { name, version, license, main, exports, dependencies: Object.fromEntries(needed) }
  put(path, `${JSON.stringify(described, null, 2)}\n`)
  return described
}
