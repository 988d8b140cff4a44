import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { TlsPair } from '@pontage/shared/node'

/**
 * Makes a P-256 key and a certificate that it signs for itself (RFC 5280), PEM. It says who it is to nobody: what
 * counts is its fingerprint.
 *
 * @param commonName - Subject and issuer.
 * @param notBefore - First moment of its life; the last is `years` later.
 */
export function makeSelfSigned(commonName: string, notBefore: Date, years: number): TlsPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'der', type: 'spki' },
  })
  const notAfter = new Date(notBefore)
  notAfter.setUTCFullYear(notBefore.getUTCFullYear() + years)
  const name = sequence(set(sequence(oid.commonName, tlv(tag.utf8, Buffer.from(commonName, 'utf8')))))
  const algorithm = sequence(oid.ecdsaWithSha256)
  const body = sequence(
    tlv(tag.explicit0, integer(Buffer.from([2]))), // version 3
    integer(serialNumber()),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey,
  )
  const signature = sign('sha256', body, privateKey)
  const certificate = sequence(
    body,
    algorithm,
    tlv(tag.bitString, Buffer.concat([Buffer.from([0]), signature])),
  )
  return { certificate: pem('CERTIFICATE', certificate), key: privateKey }
}

const tag = {
  integer: 0x02,
  bitString: 0x03,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  explicit0: 0xa0,
}

const oid = {
  commonName: Buffer.from('0603550403', 'hex'),
  ecdsaWithSha256: Buffer.from('06082a8648ce3d040302', 'hex'),
}

/** Tag, length, value (X.690, DER). */
function tlv(kind: number, value: Buffer): Buffer {
  if (value.length < 0x80) return Buffer.concat([Buffer.from([kind, value.length]), value])
  const digits = value.length.toString(16)
  const length = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  return Buffer.concat([Buffer.from([kind, 0x80 | length.length]), length, value])
}

const sequence = (...parts: Buffer[]): Buffer => tlv(tag.sequence, Buffer.concat(parts))
const set = (...parts: Buffer[]): Buffer => tlv(tag.set, Buffer.concat(parts))
const integer = (value: Buffer): Buffer => tlv(tag.integer, value)

/** `261122120000Z`: two digits of the year, as RFC 5280 wants it before 2050. */
const time = (at: Date): Buffer =>
  tlv(
    tag.utcTime,
    Buffer.from(
      `${at
        .toISOString()
        .replace(/[-:T]|\..*$/g, '')
        .slice(2)}Z`,
      'ascii',
    ),
  )

/** Positive, and without a leading zero byte. */
function serialNumber(): Buffer {
  const serial = randomBytes(16)
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0)
  return serial
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`
