import {
  type Deployment,
  type Document,
  type DocumentName,
  documents,
  documentType,
  type FieldType,
  type Signed,
  type Verifier,
} from '../../documents.js'
import { refuse, type Verdict } from '../../refusal.js'
import type { Address, Hex } from '../../units.js'
import { addressOf, type PrivateKey } from './identity.js'
import { keccak256 } from './keccak.js'
import { secp256k1 } from './nativeSecp256k1.js'

/** Signs, hashes and checks the documents of one deployment (EIP-712). */
export interface TypedData {
  /** The 32 bytes that are signed. */
  digest<Name extends DocumentName>(name: Name, document: Document<Name>): Buffer
  /** r, low s, v (27 or 28): 65 bytes. */
  sign<Name extends DocumentName>(name: Name, document: Document<Name>, privateKey: PrivateKey): Hex
  /** The document and its signature together. */
  signed<Name extends DocumentName>(
    name: Name,
    document: Document<Name>,
    privateKey: PrivateKey,
  ): Signed<Name>
  /** Who signed; undefined when the signature is malformed (high s, v other than 27 or 28, wrong length). */
  recover<Name extends DocumentName>(
    name: Name,
    document: Document<Name>,
    signature: Hex,
  ): Address | undefined
  /** The same for a document whose fields lie ready as words of 32 bytes, and a signature of 65. */
  recoverPacked(name: DocumentName, words: Buffer, signature: Buffer): Address | undefined
  /** Refuses with `malformed-signature` or `wrong-signer` unless `expected` signed. */
  check<Name extends DocumentName>(name: Name, document: Signed<Name>, expected: Address): Verdict
}

export function createTypedData(deployment: Deployment): TypedData {
  const separators: Record<Verifier, Buffer> = {
    channels: domainSeparator(deployment.chainId, deployment.channels),
    registry: domainSeparator(deployment.chainId, deployment.registry),
    marketplace: domainSeparator(deployment.chainId, deployment.marketplace),
  }
  const wrap = (name: DocumentName, hash: Buffer): Buffer => {
    const preimage = Buffer.allocUnsafe(2 + 2 * word)
    preimage.writeUInt16BE(eip712Prefix)
    separators[documents[name].verifier].copy(preimage, 2)
    hash.copy(preimage, 2 + word)
    return keccak256(preimage)
  }
  const digest: TypedData['digest'] = (name, document) => wrap(name, structHash(name, document))
  const sign: TypedData['sign'] = (name, document, privateKey) =>
    signDigest(digest(name, document), privateKey)
  const recover: TypedData['recover'] = (name, document, signature) =>
    recoverDigest(digest(name, document), signature)
  return {
    digest,
    sign,
    signed: (name, document, privateKey) => ({ ...document, signature: sign(name, document, privateKey) }),
    recover,
    recoverPacked: (name, words, signature) =>
      recoverFrom(wrap(name, keccak256(Buffer.concat([layoutOf(name).typeHash, words]))), signature),
    check(name, document, expected) {
      const signer = recover(name, document, document.signature)
      if (signer === undefined) return refuse({ code: 'malformed-signature', document: name })
      if (signer !== expected) return refuse({ code: 'wrong-signer', document: name, signer, expected })
      return { ok: true }
    },
  }
}

const eip712Prefix = 0x1901
const word = 32
/** Half the order of secp256k1: a larger s is the same signature written a second way. */
const halfOrder = Buffer.from('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0', 'hex')

/** Signs 32 bytes. */
export function signDigest(digest: Buffer, privateKey: PrivateKey): Hex {
  const { signature, recid } = secp256k1().ecdsaSign(digest, privateKey.bytes())
  return `0x${Buffer.from(signature).toString('hex')}${(27 + recid).toString(16)}`
}

/** Undefined unless `signature` is 65 bytes with a low s and v 27 or 28 that recovers to an address. */
export function recoverDigest(digest: Buffer, signature: Hex): Address | undefined {
  return signature.length === 132 ? recoverFrom(digest, Buffer.from(signature.slice(2), 'hex')) : undefined
}

function recoverFrom(digest: Buffer, bytes: Buffer): Address | undefined {
  const v = bytes[64]
  if (bytes.length !== 65 || (v !== 27 && v !== 28)) return undefined
  if (bytes.compare(halfOrder, 0, word, word, 2 * word) > 0) return undefined
  try {
    return addressOf(secp256k1().ecdsaRecover(bytes.subarray(0, 64), v - 27, digest, false))
  } catch {
    return undefined // No point of the curve belongs to these 64 bytes.
  }
}

function domainSeparator(chainId: number, verifyingContract: Address): Buffer {
  return keccak256(
    Buffer.concat([
      text('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
      text('Pontage'),
      text('1'),
      number(chainId),
      hexWord(verifyingContract),
    ]),
  )
}

/** Writes a field's value as one word. */
type Encoder = (value: never, into: Buffer, at: number) => void

const encodeNumber = (value: bigint | number, into: Buffer, at: number) =>
  into.write(value.toString(16).padStart(2 * word, '0'), at, word, 'hex')
const encodeHex = (value: Hex, into: Buffer, at: number) =>
  into.write(value.slice(2).padStart(2 * word, '0'), at, word, 'hex')

const encoders: Record<FieldType, Encoder> = {
  bytes32: encodeHex,
  address: encodeHex,
  'address[]': (value: readonly Address[], into: Buffer, at: number) =>
    keccak256(Buffer.concat(value.map(hexWord))).copy(into, at),
  string: (value: string, into: Buffer, at: number) => text(value).copy(into, at),
  uint8: encodeNumber,
  uint32: encodeNumber,
  uint48: encodeNumber,
  uint64: encodeNumber,
  uint256: encodeNumber,
  wei: encodeNumber,
  weiPerMegabyte: encodeNumber,
  weiPerHour: encodeNumber,
  byteCount: encodeNumber,
  unixSeconds: encodeNumber,
}

const layouts = new Map(
  (Object.keys(documents) as DocumentName[]).map((name) => [
    name,
    {
      typeHash: text(documentType(name)),
      fields: Object.entries(documents[name].fields).map(([field, type]) => [field, encoders[type]] as const),
    },
  ]),
)

function layoutOf(name: DocumentName) {
  const layout = layouts.get(name)
  if (!layout) throw new Error(`There is no document "${name}".`)
  return layout
}

function structHash<Name extends DocumentName>(name: Name, document: Document<Name>): Buffer {
  const layout = layoutOf(name)
  const values = document as Record<string, never>
  const preimage = Buffer.alloc(word * (1 + layout.fields.length))
  layout.typeHash.copy(preimage)
  layout.fields.forEach(([field, encode], index) => {
    encode(values[field] as never, preimage, word * (1 + index))
  })
  return keccak256(preimage)
}

function text(value: string): Buffer {
  return keccak256(Buffer.from(value, 'utf8'))
}

function number(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(word)
  encodeNumber(value, bytes, 0)
  return bytes
}

function hexWord(value: Hex): Buffer {
  const bytes = Buffer.alloc(word)
  encodeHex(value, bytes, 0)
  return bytes
}
