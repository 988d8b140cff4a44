import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ownCertificate } from './certificate.js'
import { fingerprintOf } from './connect.js'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-certificate-'))
})
afterAll(() => rm(home, { recursive: true }))

it('makes a certificate once, with its key for the owner only, and serves a TLS connection with it', async () => {
  const pair = await ownCertificate(home)
  expect(await ownCertificate(home)).toEqual(pair)
  expect((await stat(join(home, 'certificate.key'))).mode & 0o777).toBe(0o600)
  const certificate = new X509Certificate(pair.certificate)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.checkPrivateKey(createPrivateKey(pair.key))).toBe(true)
  expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now())
  expect(pair.fingerprint).toBe(fingerprintOf(certificate.raw))

  const server = createServer({ cert: pair.certificate, key: pair.key }, (socket) => socket.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  const [data] = (await once(socket, 'data')) as [Buffer]
  expect(data.toString()).toBe('hello')
  expect(socket.getPeerCertificate().raw).toEqual(certificate.raw)
  socket.destroy()
  server.close()
})

it('says what to do when the key is missing, but its certificate is there', async () => {
  await ownCertificate(home)
  await rm(join(home, 'certificate.key'))
  await expect(ownCertificate(home)).rejects.toThrow('is missing, but its certificate is there')
})
