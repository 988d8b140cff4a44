import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'

/** A folder for each test in which scripts stand in for the system's programs. */
export function standIns() {
  const path = process.env.PATH
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pontage-stand-ins-'))
    process.env.PATH = `${folder}:${path}`
  })
  afterEach(async () => {
    process.env.PATH = path
    await rm(folder, { recursive: true })
  })
  return {
    /** Where a file of this name lies in it. */
    place: (name: string) => join(folder, name),
    /** Has a program be this script of the shell. */
    put: (name: string, script: string) =>
      writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
  }
}
