import { createHash } from 'node:crypto'
import { open, realpath, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { UserError } from '@pontage/shared/node'
import { type Page, plainSite } from '../../core/plainSite.js'

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/vnd.microsoft.icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.xml': 'text/xml; charset=utf-8',
}

/** Answers requests as a web server with nothing but files does. */
export type WebSite = (request: IncomingMessage, response: ServerResponse) => void

/**
 * The site of a folder, or a plain one.
 *
 * @param secret - From which the words of the plain site follow.
 * @throws UserError when the folder is none.
 */
export async function webSite(folder: string | undefined, secret: string): Promise<WebSite> {
  const pages = plainSite(createHash('sha256').update(`site ${secret}`).digest())
  return folder === undefined ? siteOfPages(pages) : siteOfFolder(folder, pages)
}

/** A site that is held in memory; its page `404` is what everything else gets. */
function siteOfPages(pages: ReadonlyMap<string, Page>): WebSite {
  const since = new Date().toUTCString()
  const missing = missingPage(pages)
  return (request, response) => {
    if (!isRead(request, response)) return
    const path = pathIn(request)
    const page = path?.startsWith('/') ? pages.get(path) : undefined
    if (page === undefined) return sendPage(request, response, missing, 404)
    const etag = `"${createHash('md5').update(page.body).digest('hex')}"`
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { ETag: etag }).end()
    else sendPage(request, response, page, 200, { 'Last-Modified': since, ETag: etag })
  }
}

const missingPage = (pages: ReadonlyMap<string, Page>): Page =>
  pages.get('404') ?? { type: 'text/plain', body: 'Not found\n' }

function sendPage(
  { method }: IncomingMessage,
  response: ServerResponse,
  { type, body }: Page,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...headers })
  response.end(method === 'HEAD' ? undefined : body)
}

/**
 * A folder of the owner's: files, `index.html` of folders, and `404.html` of the whole for what is missing. Nothing that
 * begins with a dot is shown, and no link out of the folder is followed.
 *
 * @param pages - Their `404` is answered where the folder has no `404.html`.
 * @throws UserError when it is no folder.
 */
async function siteOfFolder(folder: string, pages: ReadonlyMap<string, Page>): Promise<WebSite> {
  const root = await realpath(folder).catch((cause) => {
    throw new UserError(`${folder} cannot be read. Check --front.`, { cause })
  })
  if (!(await stat(root)).isDirectory()) throw new UserError(`${folder} is no folder. Check --front.`)
  const show = async (request: IncomingMessage, response: ServerResponse) => {
    const path = pathIn(request)
    if (path !== undefined && (await sendFile(root, path, 200, request, response))) return
    if (await sendFile(root, '/404.html', 404, request, response)) return
    sendPage(request, response, missingPage(pages), 404)
  }
  return (request, response) => {
    if (!isRead(request, response)) return
    show(request, response).catch(() => response.destroy())
  }
}

/** @returns Whether there was such a file. */
async function sendFile(
  root: string,
  path: string,
  status: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const wanted = join(root, path.endsWith('/') ? `${path}index.html` : path)
  const found = await realpath(wanted).catch(() => undefined)
  if (found === undefined || !found.startsWith(`${root}${sep}`) || /\/\./.test(path)) return false
  const file = await open(found, 'r')
  try {
    const seen = await file.stat()
    if (!seen.isFile()) return false
    response.writeHead(status, {
      'Content-Type': types[extname(found).toLowerCase()] ?? 'application/octet-stream',
      'Content-Length': seen.size,
      'Last-Modified': seen.mtime.toUTCString(),
    })
    if (request.method === 'HEAD') response.end()
    else await pipeline(file.createReadStream({ autoClose: false }), response)
    return true
  } finally {
    await file.close()
  }
}

/** Whether it is only to be read; else it is answered. */
function isRead({ method }: IncomingMessage, response: ServerResponse): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  response.writeHead(405, { Allow: 'GET, HEAD', 'Content-Length': 0 }).end()
  return false
}

/** The path that is asked for; undefined for one that cannot be read. */
function pathIn({ url = '/' }: IncomingMessage): string | undefined {
  try {
    const path = decodeURIComponent(url.replace(/[?#].*$/s, ''))
    return path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..') ? path : undefined
  } catch {
    return undefined
  }
}
