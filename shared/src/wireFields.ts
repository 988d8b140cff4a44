import * as z from 'zod'
import { type DocumentName, documents, type FieldType } from './documents.js'
import { address, bytes, bytes32, type Hex, unixSeconds, wei, weiPerHour, weiPerMegabyte } from './units.js'

/** What the messages of wire.ts are made of, each as it stands in JSON and as the program reads it. */
const convert = <Out>(read: (text: string) => Out) =>
  z.string().transform((text, context): Out => {
    try {
      return read(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
      return z.NEVER
    }
  })

export const zodAddress = convert(address)
export const zodBytes32 = convert(bytes32)
export const zodUint256 = z
  .string()
  .regex(/^\d{1,78}$/, 'expected a decimal string')
  .transform(BigInt)
  .refine((amount) => amount < 2n ** 256n, 'expected less than 2^256')
export const zodWei = zodUint256.transform(wei)
export const zodTime = z.number().int().nonnegative().safe().transform(unixSeconds)
export const zodHex = (maxBytes: number) =>
  z
    .string()
    .max(2 + 2 * maxBytes)
    .regex(/^0x([0-9a-fA-F]{2})*$/, 'expected hexadecimal')
    .transform((text) => text.toLowerCase() as Hex)
/** Of one length only. */
export const zodHexOf = (bytes: number) =>
  zodHex(bytes).refine((text) => text.length === 2 + 2 * bytes, `expected ${bytes} bytes`)
export const zodSignature = zodHex(65)
export const zodCount = z.number().int().nonnegative().safe()
/** Byte counts travel as decimal strings too: they are bigints on both sides. */
export const zodBytes = z
  .string()
  .regex(/^\d{1,20}$/, 'expected a decimal string')
  .transform((text) => bytes(BigInt(text)))

export const fieldSchemas = {
  bytes32: zodBytes32,
  address: zodAddress,
  'address[]': z.array(zodAddress).max(64),
  string: z.string().max(512),
  uint8: z.number().int().min(0).max(0xff),
  uint32: z.number().int().min(0).max(0xffff_ffff),
  uint48: z
    .number()
    .int()
    .min(0)
    .max(2 ** 48 - 1),
  uint64: z.number().int().nonnegative().safe(),
  uint256: zodUint256,
  wei: zodWei,
  weiPerMegabyte: zodUint256.transform(weiPerMegabyte),
  weiPerHour: zodUint256.transform(weiPerHour),
  byteCount: zodUint256.transform(bytes),
  unixSeconds: zodTime,
} satisfies Record<FieldType, z.ZodType>

type DocumentShape<Name extends DocumentName> = {
  [Field in keyof (typeof documents)[Name]['fields']]: (typeof fieldSchemas)[(typeof documents)[Name]['fields'][Field] &
    FieldType]
}

/** A signed document on the wire: its fields (amounts as decimal strings) and `signature`. */
export function signed<Name extends DocumentName>(name: Name) {
  const shape = Object.fromEntries(
    Object.entries(documents[name].fields).map(([field, type]) => [field, fieldSchemas[type]]),
  ) as DocumentShape<Name>
  return z.object({ ...shape, signature: zodSignature })
}

export const parties = z.object({ consumer: zodAddress, hub: zodAddress, nonce: fieldSchemas.uint48 })
/** ERC-2612: the token may move `value` for whoever it was signed to. */
export const permit = z.object({ value: zodWei, deadline: zodCount, signature: zodSignature })
export const providerTotal = z.object({ provider: zodAddress, amount: zodWei })
export const release = signed('Release')
