/**
 * Makes the packages, the same bytes for the same commit:
 *
 *   npm run package                    all of them, in packaging/dist
 *   npm run package -- --out FOLDER --only pontage      or another Debian package, `npm`, `hub-image`, `provider-image`
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDebian } from './debian.mjs'
import { imageRoles, makeImage } from './image.mjs'
import { makeNpmTarball } from './npmTarball.mjs'
import { root } from './repository.mjs'
import { packages } from './roles.mjs'

// What is made is for everybody to read, whoever makes it.
process.umask(0o022)
const { values } = parseArgs({ options: { out: { type: 'string' }, only: { type: 'string' } } })
const out = resolve(values.out ?? join(root, 'packaging', 'dist'))
mkdirSync(out, { recursive: true })
const scratch = mkdtempSync(join(tmpdir(), 'pontage-package-'))
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`

try {
  for (const what of packages.filter(({ name }) => [undefined, name].includes(values.only))) {
    const { path, installedBytes } = await makeDebian(what, join(scratch, what.name), out)
    console.log(
      `${path}: ${megabytes(statSync(path).size)}, installed ${megabytes(installedBytes)} beside Node`,
    )
  }
  for (const role of imageRoles.filter((each) => [undefined, `${each}-image`].includes(values.only))) {
    const path = await makeImage(role, join(scratch, `${role}-image`), out)
    console.log(`${path}: ${megabytes(statSync(path).size)}`)
  }
  if ([undefined, 'npm'].includes(values.only)) {
    const path = await makeNpmTarball(join(scratch, 'npm'), out)
    console.log(`${path}: ${megabytes(statSync(path).size)}`)
  }
} finally {
  rmSync(scratch, { recursive: true })
}
