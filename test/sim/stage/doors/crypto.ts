import { timeline } from '../timeline.js'

export * from 'node:crypto'

/** Random bytes of the program that asks. */
export const randomBytes = (length: number): Buffer => timeline().process.chance.bytes(length)

export const randomInt = (...range: [below: number] | [least: number, below: number]): number => {
  const [least, below] = range.length === 1 ? [0, range[0]] : range
  return least + Math.floor(timeline().process.chance.real() * (below - least))
}

/** What precedes the 32 bytes of an X25519 key in PKCS#8 (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** Keys of a tunnel; what else is generated is not simulated. */
export const generateKeyPairSync = (type: string) => {
  if (type !== 'x25519') throw new Error(`The simulation makes no keys of ${type}.`)
  return { privateKey: Buffer.concat([pkcs8Head, randomBytes(32)]) }
}

/** No connection is encrypted: a certificate is a text that both ends see. */
export class X509Certificate {
  readonly raw: Buffer
  constructor(text: string) {
    this.raw = Buffer.from(text)
  }
}

export function randomUUID(): string {
  const hex = randomBytes(16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
