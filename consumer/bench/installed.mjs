import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../packaging/bundle.mjs'
import { put } from '../../packaging/programTree.mjs'
import { roles } from '../../packaging/roles.mjs'

/**
 * The programs in the form in which their users run them: bundled, as the packages hold them. The world's people use those from
 * then on.
 *
 * @returns {Promise<{ folder: string, remove: () => Promise<void> }>}
 */
export async function installPrograms() {
  const folder = await mkdtemp(join(tmpdir(), 'pontage-bench-'))
  const all = /** @type {(keyof typeof roles)[]} */ (Object.keys(roles))
  await bundle(all, folder, { platforms: [`linux-${process.arch}`] })
  put(join(folder, 'package.json'), '{"type":"module","version":"0"}')
  for (const role of all) {
    const launcher = ['#!/bin/sh', `exec ${process.execPath} ${join(folder, role, 'start.js')} "$@"`, '']
    put(join(folder, 'bin', roles[role].program), launcher.join('\n'), 0o755)
  }
  process.env.PONTAGE_PROGRAMS = join(folder, 'bin')
  return { folder, remove: () => rm(folder, { recursive: true }) }
}
