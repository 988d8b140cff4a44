import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeFolder } from './node.mjs'
import { root } from './repository.mjs'

/**
 * What the authors of everything in a package ask to be passed on.
 *
 * @param {readonly string[]} folders - Of npm packages, from the root.
 * @param {{ withNode: boolean }} options
 */
export function thirdPartyLicences(folders, { withNode }) {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    return part(`${name} ${version} (${license ?? 'see below'})`, textsIn(join(root, folder)))
  })
  if (withNode) parts.unshift(part('Node.js', textsIn(nodeFolder())))
  return parts.join('\n')
}

const part = (title, texts) => `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n\n${texts.join('\n')}\n`

function textsIn(folder) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)([.-].*)?$/i.test(name))
  if (names.length === 0) return ['It comes without a text of its licence.']
  return names.sort().map((name) => readFileSync(join(folder, name), 'utf8').trim())
}
