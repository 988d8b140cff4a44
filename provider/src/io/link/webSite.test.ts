import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { webSite } from './webSite.js'

let folder: string
const servers: Server[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-site-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true })
})

async function serve(front: string | undefined) {
  const server = createServer(await webSite(front, 'a secret'))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    get: (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init),
  }
}

/** Status of a request whose path no library of ours would send. */
const rawStatus = (port: number, path: string) =>
  new Promise<string | undefined>((resolve) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
    )
    socket.on('data', (data) => resolve(/^HTTP\/1\.1 (\d+)/.exec(`${data}`)?.[1]))
    socket.on('close', () => resolve(undefined))
    socket.on('error', () => {})
  })

describe('the plain site', () => {
  it('has a page, and another for what is missing', async () => {
    const { get } = await serve(undefined)
    const page = await get('/')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(await page.text()).toMatch(/<h1>/)
    expect((await get('/nothing')).status).toBe(404)
    expect((await get('/404')).status).toBe(404)
    expect((await get('/robots.txt')).status).toBe(200)
  })

  it('is not sent again to who has it, and takes nothing', async () => {
    const { get } = await serve(undefined)
    const etag = (await get('/')).headers.get('etag') ?? ''
    expect((await get('/', { headers: { 'if-none-match': etag } })).status).toBe(304)
    const posted = await get('/', { method: 'POST', body: 'x' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await (await get('/', { method: 'HEAD' })).text()).toBe('')
  })
})

describe('the site of a folder', () => {
  it('shows its files and the index of folders, with their kinds', async () => {
    await mkdir(join(folder, 'about'))
    await writeFile(join(folder, 'index.html'), '<h1>mine</h1>')
    await writeFile(join(folder, 'about', 'index.html'), 'about')
    await writeFile(join(folder, 'style.css'), 'h1{}')
    await writeFile(join(folder, '404.html'), 'not here')
    const { get } = await serve(folder)
    expect(await (await get('/')).text()).toBe('<h1>mine</h1>')
    expect(await (await get('/about/')).text()).toBe('about')
    expect((await get('/style.css')).headers.get('content-type')).toBe('text/css; charset=utf-8')
    const missing = await get('/none')
    expect([missing.status, await missing.text()]).toEqual([404, 'not here'])
  })

  it('shows nothing that lies outside, or begins with a dot', async () => {
    await mkdir(join(folder, 'site', '.git'), { recursive: true })
    await writeFile(join(folder, 'secret'), 'secret')
    await writeFile(join(folder, 'site', '.git', 'config'), 'secret')
    await symlink(join(folder, 'secret'), join(folder, 'site', 'link'))
    const { port } = await serve(join(folder, 'site'))
    const paths = [
      '/../secret',
      '/%2e%2e/secret',
      '/..%2fsecret',
      '/link',
      '/.git/config',
      '/%00',
      '/%zz',
      'secret',
    ]
    for (const path of paths) expect(await rawStatus(port, path), path).not.toBe('200')
  })

  it('is refused where there is no folder', async () => {
    await expect(serve(join(folder, 'none'))).rejects.toThrow('Check --front.')
  })
})
