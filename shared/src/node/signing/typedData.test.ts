import { TypedDataEncoder, Wallet } from 'ethers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DocumentName, documents, documentType, type FieldType, solidityType } from '../../documents.js'
import type { Hex } from '../../units.js'
import { exampleDeployment } from '../chain/deployment.fixture.js'
import { createIdentity, PrivateKey } from './identity.js'
import { createTypedData, recoverDigest } from './typedData.js'

const typedData = createTypedData(exampleDeployment)
const signer = createIdentity(
  new PrivateKey('0x0123456789012345678901234567890123456789012345678901234567890123'),
)

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((raw): Hex => `0x${Buffer.from(raw).toString('hex')}`)
const whole = (bits: number) => fc.maxSafeNat().map((value) => value % 2 ** Math.min(bits, 53))
const values: Record<string, fc.Arbitrary<unknown>> = {
  bytes32: hex(32),
  address: hex(20),
  'address[]': fc.array(hex(20), { maxLength: 4 }),
  string: fc.string({ unit: 'grapheme' }),
  uint8: whole(8),
  uint32: whole(32),
  uint48: whole(48),
  uint64: whole(64),
  uint256: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
}
const valuesOf = (type: FieldType) =>
  values[solidityType(type)] ?? expect.fail(`no values of the type ${type}`)
const anyDocument = (name: DocumentName) =>
  fc.record(
    Object.fromEntries(
      Object.entries(documents[name].fields).map(([field, type]) => [field, valuesOf(type)]),
    ),
  ) as fc.Arbitrary<never>
const names = Object.keys(documents) as DocumentName[]

describe.each(names)('%s', (name) => {
  it('is hashed as an independent library hashes it', () => {
    const domain = {
      name: 'Pontage',
      version: '1',
      chainId: exampleDeployment.chainId,
      verifyingContract: exampleDeployment[documents[name].verifier],
    }
    const types = {
      [name]: Object.entries(documents[name].fields).map(([field, type]) => ({
        name: field,
        type: solidityType(type),
      })),
    }
    fc.assert(
      fc.property(anyDocument(name), (document) => {
        const expected = TypedDataEncoder.hash(domain, types, document)
        expect(`0x${typedData.digest(name, document).toString('hex')}`).toBe(expected)
      }),
      { numRuns: 50 },
    )
  })

  it('names its signer, and nobody when a byte of the signature is another', () => {
    fc.assert(
      fc.property(
        anyDocument(name),
        fc.nat(64),
        fc.integer({ min: 1, max: 255 }),
        (document, index, flip) => {
          const signature = typedData.sign(name, document, signer.privateKey)
          expect(typedData.recover(name, document, signature)).toBe(signer.address)
          const bytes = Buffer.from(signature.slice(2), 'hex')
          bytes[index] = (bytes[index] ?? 0) ^ flip
          expect(typedData.recover(name, document, `0x${bytes.toString('hex')}`)).not.toBe(signer.address)
        },
      ),
      { numRuns: 50 },
    )
  })
})

it('writes a type as EIP-712 does', () =>
  expect(documentType('MicroPromise')).toBe(
    'MicroPromise(bytes32 channelId,address provider,uint256 amount)',
  ))

describe('a signature', () => {
  const digest = Buffer.alloc(32, 7)
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const good = new Wallet(signer.privateKey.hex()).signingKey.sign(digest).serialized as Hex

  it('of another library is understood', () => expect(recoverDigest(digest, good)).toBe(signer.address))

  it('written a second way, with a high s, is refused', () => {
    const s = order - BigInt(`0x${good.slice(66, 130)}`)
    const v = good.slice(130) === '1b' ? '1c' : '1b'
    expect(
      recoverDigest(digest, `${good.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}` as Hex),
    ).toBeUndefined()
  })

  it.each(['00', '01', '1d', ''])('ending in %j instead of 1b or 1c is refused', (v) =>
    expect(recoverDigest(digest, `${good.slice(0, 130)}${v}` as Hex)).toBeUndefined(),
  )
})

describe('a private key', () => {
  it('is never printed', () => {
    const shown = `${signer.privateKey} ${JSON.stringify(signer)}`
    expect(shown).not.toContain('01234567890123')
    expect(shown).toContain('[private key]')
  })
  it.each(['', '0x12', '00'.repeat(32), 'ff'.repeat(32), 'zz'.repeat(32)])('%j is refused', (hex) =>
    expect(() => new PrivateKey(hex)).toThrow('That is not a private key'),
  )
  it('has the address every other library gives it', () =>
    expect(signer.address).toBe(new Wallet(signer.privateKey.hex()).address.toLowerCase()))
})
