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
/** By program, its folders of pages; one inside another comes after it. */
const folders = { provider: ['pages'], consumer: ['pages'], hub: ['pages', 'pages/public'] }
const chosen = process.argv.slice(2)
const maxCompressedBytes = 150_000

/** All files of a folder as they would be sent, compressed one by one. */
const compressedBytes = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length, 0)

const programs = chosen.length > 0 ? chosen : Object.keys(folders)

for (const [program, folder] of programs.flatMap((each) => folders[each].map((name) => [each, name]))) {
  const outDir = `${root}${program}/dist/${folder}`
  await build({
    configFile: false,
    logLevel: 'warn',
    root: `${root}${program}/${folder}`,
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
  console.log(`Pages in ${program}/${folder}: ${Math.ceil(size / 1_000)} kB compressed`)
  if (size <= maxCompressedBytes) continue
  console.error(
    `The pages of ${program} are larger than ${maxCompressedBytes / 1_000} kB. Take something out of them.`,
  )
  process.exitCode = 1
}
