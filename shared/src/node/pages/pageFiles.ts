import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../program/userError.js'

/** A file of the pages. */
export interface PageFile {
  readonly type: string
  readonly content: Buffer
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * Reads the pages of a program as they were built, all at once: what is asked for later is never a path on the disk.
 *
 * @param from - `import.meta.url` of a module of the program; its pages lie beside it, or above it.
 * @param name - The folder of the pages.
 * @returns by the path in the address; `/` is `index.html`
 * @throws UserError where they were not built.
 */
export async function readPageFiles(from: string, name = 'pages'): Promise<ReadonlyMap<string, PageFile>> {
  const folder = pagesAbove(dirname(fileURLToPath(from)), name)
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = new Map<string, PageFile>()
  for (const entry of found) {
    const type = types[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(folder.length), { type, content: await readFile(path) })
  }
  const index = files.get('/index.html')
  return index === undefined ? files : files.set('/', index)
}

/** In a checkout `dist/pages`, in a package `pages` beside the program. */
function pagesAbove(start: string, name: string): string {
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, name, 'index.html'))) return join(folder, name)
  throw new UserError('The pages are not built. In a checkout, "npm run build" builds them.')
}
