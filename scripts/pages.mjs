/**
 * Builds the pages of the programs into their dist folders, and prints what a browser loads: node scripts/pages.mjs [consumer …]
 * Fails where the pages of a program have more than 150 kB compressed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const withPages = ['provider', 'consumer']
const chosen = process.argv.slice(2)
const maxCompressedBytes = 150_000

/** All files of a folder as they would be sent, compressed one by one. */
const compressedBytes = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length, 0)

for (const program of chosen.length > 0 ? chosen : withPages) {
  const outDir = `${root}${program}/dist/pages`
  await build({
    configFile: false,
    logLevel: 'warn',
    root: `${root}${program}/pages`,
    publicDir: `${root}shared/pages/public`,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      // No file inside another, and nothing inline: the pages' policy forbids both.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  })
  const size = compressedBytes(outDir)
  console.log(`Pages of ${program}: ${Math.ceil(size / 1_000)} kB compressed`)
  if (size <= maxCompressedBytes) continue
  console.error(
    `The pages of ${program} are larger than ${maxCompressedBytes / 1_000} kB. Take something out of them.`,
  )
  process.exitCode = 1
}
