import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
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
 * Reads the pages as they were built, all at once: what is asked for later is never a path on the disk.
 *
 * @returns by the path in the address; `/` is `index.html`
 * @throws UserError where they were not built.
 */
export async function readPageFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = new Map<string, PageFile>()
  for (const entry of found) {
    const type = types[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(folder.length), { type, content: await readFile(path) })
  }
  const index = files.get('/index.html')
  if (index === undefined)
    throw new UserError(`There are no pages in ${folder}. In a checkout, "npm run build" makes them.`)
  return files.set('/', index)
}
