import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { bundle } from './bundle.mjs'
import { thirdPartyLicences } from './licences.mjs'
import { manualOf } from './manual.mjs'
import { nodeFolder } from './node.mjs'
import { root, version } from './repository.mjs'
import { roles } from './roles.mjs'

/** A file and the folders above it. */
export function put(path, content, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content, { mode })
  chmodSync(path, mode)
}

/** As `gzip -9n`: without a name and a time. */
export const packed = (text) => gzipSync(text, { level: 9 })

/**
 * The programs of some roles as packages hold them: bundles, and the networks that they know.
 *
 * @param {{ name: string, roles: readonly import('./roles.mjs').Role[] }} what
 * @param {string} folder
 * @returns {Promise<readonly string[]>} folders of the packages that went into them, from the root, sorted.
 */
export async function layOutLibrary(what, folder) {
  const used = await bundle(what.roles, folder, { platforms: [`linux-${process.arch}`] })
  put(join(folder, 'package.json'), `${JSON.stringify({ name: what.name, version, type: 'module' })}\n`)
  cpSync(join(root, 'networks'), join(folder, 'networks'), { recursive: true })
  return used
}

/**
 * Lays out what a package installs: programs with the Node that runs them, manual pages, completions, units, documents.
 *
 * @param {(typeof import('./roles.mjs').packages)[number]} what
 * @param {string} tree - Empty folder that stands for `/`.
 */
export async function layOut(what, tree) {
  const library = join('usr', 'lib', what.name)
  const at = (...path) => join(tree, ...path)
  const used = await layOutLibrary(what, at(library))
  const node = at(library, 'node')
  cpSync(join(nodeFolder(), 'bin', 'node'), node)
  chmodSync(node, 0o755)
  for (const role of what.roles) {
    const { program, flags } = roles[role]
    const words = ['exec', `/${library}/node`, ...flags, `/${library}/${role}/start.js`, '"$@"']
    const launcher = ['#!/bin/sh', words.join(' '), '']
    put(at('usr', 'bin', program), launcher.join('\n'), 0o755)
    put(at('usr', 'share', 'man', 'man1', `${program}.1.gz`), packed(manualOf(role)))
    for (const [shell, path] of Object.entries(completions(program)))
      put(at('usr', 'share', path), completionOf(node, at(library, role, 'main.js'), shell))
    for (const [from, to] of Object.entries(systemFiles(role, program)))
      if (existsSync(join(root, from))) put(at(to), readFileSync(join(root, from)))
  }
  const documents = at('usr', 'share', 'doc', what.name)
  put(join(documents, 'third-party-licences.gz'), packed(thirdPartyLicences(used, { withNode: true })))
}

const completions = (program) => ({
  bash: join('bash-completion', 'completions', program),
  zsh: join('zsh', 'vendor-completions', `_${program}`),
})

const completionOf = (node, main, shell) =>
  execFileSync(node, [main, 'completion'], {
    env: { HOME: '/nonexistent', SHELL: `/bin/${shell}`, ...(shell === 'zsh' ? { ZSH_NAME: 'zsh' } : {}) },
    encoding: 'utf8',
  })

/** The names of a role's units. */
export const unitsOf = (role) => readdirSync(join(root, role, 'systemd')).sort()

/** What systemd is to know, from the root of the checkout to the root of the machine. */
const systemFiles = (role, program) => ({
  ...Object.fromEntries(
    unitsOf(role).map((unit) => [`${role}/systemd/${unit}`, `usr/lib/systemd/system/${unit}`]),
  ),
  [`packaging/debian/${role}.sysusers`]: `usr/lib/sysusers.d/${program}.conf`,
  [`packaging/debian/${role}.tmpfiles`]: `usr/lib/tmpfiles.d/${program}.conf`,
  [`packaging/debian/${role}.default`]: `etc/default/${program}`,
})
