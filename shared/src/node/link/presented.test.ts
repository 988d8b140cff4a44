import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../clock.js'
import { wei } from '../../units.js'
import { exampleDeployment } from '../chain/deployment.fixture.js'
import { createLog } from '../report/log.js'
import { createIdentity, PrivateKey } from '../signing/identity.js'
import { createTypedData } from '../signing/typedData.js'
import { ownCertificate } from './certificate.js'
import { connectLink, pinnedUrl } from './connect.js'
import type { Handlers } from './link.js'
import { listenLinks, type Presented } from './listen.js'

const typedData = createTypedData(exampleDeployment)
const self = (digit: string) => ({
  identity: createIdentity(new PrivateKey(digit.repeat(64))),
  typedData,
  clock: systemClock,
})
const log = createLog('test', 'error')
const handlers: Handlers = { requests: { attach: () => ({ ok: true, value: { promised: wei(1n) } }) } }

const open: { close(): unknown }[] = []
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-presented-'))
})
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  await rm(folder, { recursive: true })
})

const listen = async (presented: Presented) => {
  const listening = await listenLinks({
    ...{ host: '127.0.0.1', port: 0, self: self('1'), accept: () => handlers, log },
    ...presented,
  })
  open.push(listening)
  return listening
}
const dial = async (url: string) => {
  const dialled = await connectLink({ url, self: self('2'), handlers: {}, log })
  if (dialled.ok) open.push(dialled.link)
  return dialled
}
const made = async (name: string) => {
  await mkdir(join(folder, name))
  return ownCertificate(join(folder, name))
}

it('presents a renewed certificate to whoever connects next, and keeps the connections there are', async () => {
  const [first, second] = [await made('first'), await made('second')]
  const { port, renew } = await listen({ tls: first })
  const at = (fingerprint: typeof first.fingerprint) => pinnedUrl(`wss://127.0.0.1:${port}`, fingerprint)
  const before = await dial(at(first.fingerprint))
  if (!before.ok) throw new Error(JSON.stringify(before.refusal))
  renew({ tls: second })
  expect(await dial(at(second.fingerprint))).toMatchObject({ ok: true })
  expect(await dial(at(first.fingerprint))).toMatchObject({ refusal: { code: 'wrong-certificate' } })
  expect(await before.link.request('attach', { session: 's' })).toMatchObject({ ok: true })
})

it('is reached through a proxy that adds TLS once it knows that one’s certificate', async () => {
  const proxied = await made('proxy')
  const { port, renew } = await listen({})
  const proxy = createTlsServer({ cert: proxied.certificate, key: proxied.key }, (near) => {
    const far = connect(port, '127.0.0.1')
    near.on('error', () => far.destroy()).pipe(far)
    far.on('error', () => near.destroy()).pipe(near)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  open.unshift(proxy)
  const url = pinnedUrl(`wss://127.0.0.1:${(proxy.address() as AddressInfo).port}`, proxied.fingerprint)
  // The introduction binds what each end sees: somebody in between would look the same.
  expect(await dial(url)).toMatchObject({ refusal: { code: 'peer-refused', peerCode: 'wrong-signer' } })
  renew({ proxied: proxied.fingerprint })
  expect(await dial(url)).toMatchObject({ ok: true })
})
