/**
 * Makes the programs as packages hold them, to be run from where they are:
 *
 *   node packaging/programs.mjs FOLDER
 */
import { join, resolve } from 'node:path'
import { layOutLibrary, put } from './programTree.mjs'
import { packages, roles } from './roles.mjs'

/**
 * Lays out `bin` with the programs, `lib` with what they run, and `cache`, where they keep what they have compiled.
 *
 * @param {string} folder
 */
export async function makePrograms(folder) {
  const all = packages.find(({ name }) => name === 'pontage-all')
  const [library, cache] = ['lib', 'cache'].map((name) => resolve(folder, name))
  await layOutLibrary(all, library)
  for (const role of all.roles) {
    const { program, flags } = roles[role]
    const words = ['exec', `'${process.execPath}'`, ...flags, `'${join(library, role, 'start.js')}'`, '"$@"']
    const launcher = ['#!/bin/sh', `NODE_COMPILE_CACHE='${cache}' ${words.join(' ')}`, '']
    put(resolve(folder, 'bin', program), launcher.join('\n'), 0o755)
  }
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) throw new Error('Say in which folder: node packaging/programs.mjs FOLDER')
  await makePrograms(folder)
}
