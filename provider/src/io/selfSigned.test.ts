import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, it } from 'vitest'
import { makeSelfSigned } from './selfSigned.js'

it('makes a certificate that verifies with its own key and serves a TLS connection', async () => {
  const pair = makeSelfSigned('pontage provider', new Date('2026-01-02T03:04:05Z'), 20)
  const certificate = new X509Certificate(pair.certificate)
  expect(certificate.subject).toBe('CN=pontage provider')
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.checkPrivateKey(createPrivateKey(pair.key))).toBe(true)
  expect(certificate.validFrom).toBe('Jan  2 03:04:05 2026 GMT')
  expect(certificate.validTo).toBe('Jan  2 03:04:05 2046 GMT')

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
