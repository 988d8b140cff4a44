import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout that this file belongs to, whether it runs as written or as built. */
export const repository = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package-lock.json'))) {
    const above = dirname(folder)
    if (above === folder) throw new Error('No package-lock.json above the world: run it from a checkout.')
    folder = above
  }
  return folder
})()

/** A program of this workspace, as built. */
export const builtProgram = (path: string): string => join(repository, 'test', 'dist', path)
