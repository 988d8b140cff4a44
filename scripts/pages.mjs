/**
 * Builds the pages of the programs into their dist folders: node scripts/pages.mjs [consumer …]
 */
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const withPages = ['provider', 'consumer']
const chosen = process.argv.slice(2)

for (const program of chosen.length > 0 ? chosen : withPages)
  await build({
    configFile: false,
    logLevel: 'warn',
    root: `${root}${program}/pages`,
    publicDir: `${root}shared/pages/public`,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: `${root}${program}/dist/pages`,
      emptyOutDir: true,
      target: 'es2022',
      // No file inside another, and nothing inline: the pages' policy forbids both.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  })
