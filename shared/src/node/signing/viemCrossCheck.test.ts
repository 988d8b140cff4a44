import fc from 'fast-check'
import { hashTypedData, recoverTypedDataAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import { type DocumentName, documents, type FieldType, solidityType } from '../../documents.js'
import { address, type Hex } from '../../units.js'
import { createIdentity, PrivateKey } from './identity.js'
import { createTypedData } from './typedData.js'

const contract = (digit: string) => address(`0x${digit.repeat(40)}`)
const names = Object.keys(documents) as DocumentName[]
const signer = createIdentity(new PrivateKey(`0x${'4d'.repeat(32)}`))

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((raw): Hex => `0x${Buffer.from(raw).toString('hex')}`)

/** The ends of each range as often as what lies between: an encoder fails there first. */
const whole = (bits: number) => {
  const max = 2 ** Math.min(bits, 53) - 1
  return fc.oneof(
    fc.constantFrom(0, 1, max),
    fc.nat().map((value) => value % (max + 1)),
  )
}
const values: Record<string, fc.Arbitrary<unknown>> = {
  bytes32: hex(32),
  address: hex(20),
  'address[]': fc.array(hex(20), { maxLength: 4 }),
  string: fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 80 })),
  uint8: whole(8),
  uint32: whole(32),
  uint48: whole(48),
  uint64: whole(64),
  uint256: fc.oneof(fc.constantFrom(0n, 2n ** 256n - 1n), fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })),
}
const valuesOf = (type: FieldType) =>
  values[solidityType(type)] ?? expect.fail(`no values of the type ${type}`)
const anyDocument = (name: DocumentName) =>
  fc.record(
    Object.fromEntries(
      Object.entries(documents[name].fields).map(([field, type]) => [field, valuesOf(type)]),
    ),
  ) as fc.Arbitrary<never>

/** The same document in the shape viem wants. */
function asViem(name: DocumentName, chainId: number, message: Record<string, unknown>) {
  const fields = Object.entries(documents[name].fields)
  return {
    domain: {
      name: 'Pontage',
      version: '1',
      chainId,
      verifyingContract: contracts[documents[name].verifier],
    },
    types: { [name]: fields.map(([field, type]) => ({ name: field, type: solidityType(type) })) },
    primaryType: name,
    // Only whole numbers up to 48 bits are plain numbers in viem.
    message: Object.fromEntries(
      fields.map(([field, type]) => [
        field,
        solidityType(type) === 'uint64' ? BigInt(message[field] as number) : message[field],
      ]),
    ),
  }
}

const contracts = { registry: contract('a'), channels: contract('b'), marketplace: contract('c') }
const on = (chainId: number) => createTypedData({ chainId, token: contract('d'), ...contracts, fromBlock: 0 })

describe.each(names)('%s', (name) => {
  it('has the hash that viem gives it, on every chain', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), anyDocument(name), (chainId, document) => {
        const digest = `0x${on(chainId).digest(name, document).toString('hex')}`
        expect(digest).toBe(hashTypedData(asViem(name, chainId, document)))
      }),
      { numRuns: 50 },
    )
  })

  it('is signed so that viem names the signer', async () => {
    await fc.assert(
      fc.asyncProperty(anyDocument(name), async (document) => {
        const signature = on(31_337).sign(name, document, signer.privateKey)
        const recovered = await recoverTypedDataAddress({ ...asViem(name, 31_337, document), signature })
        expect(recovered.toLowerCase()).toBe(signer.address)
      }),
      { numRuns: 5 },
    )
  })
})
