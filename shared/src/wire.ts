import * as z from 'zod'
import type { ClearAnswer, ClearRequest } from './clear.js'
import { hubRequests, owedLeaf } from './hubRequests.js'
import { printable } from './printable.js'
import { providerRequests, sessionAccount } from './providerRequests.js'
import { signed, zodAddress, zodBytes32, zodCount, zodSignature, zodTime, zodWei } from './wireFields.js'

/** Version of everything below. Both sides name theirs in the hello, and differing ones part at once. */
export const wireVersion = 2

/** No frame is larger; a larger one closes the connection. */
export const maxFrameBytes = 262_144

/** Seconds that two clocks may differ, and that a request stays good. */
export const freshnessSeconds = 60

/**
 * Requests and their answers. On the wire: `{id, type, ...params}` is answered by `{id, ok: true, ...result}`
 * or `{id, ok: false, code, message}`. Either side of a connection may ask.
 */
export const requests = { ...hubRequests, ...providerRequests } as const

/** The request on the hot path: binary frames, laid out in clearFrame.ts. A refusal of it is answered as text. */
interface BinaryRequests {
  clear: { params: ClearRequest; result: ClearAnswer }
}

type TextRequestType = keyof typeof requests
export type RequestType = TextRequestType | keyof BinaryRequests
export type Params<Type extends RequestType> = Type extends TextRequestType
  ? z.output<(typeof requests)[Type]['params']>
  : Type extends keyof BinaryRequests
    ? BinaryRequests[Type]['params']
    : never
export type Result<Type extends RequestType> = Type extends TextRequestType
  ? z.output<(typeof requests)[Type]['result']>
  : Type extends keyof BinaryRequests
    ? BinaryRequests[Type]['result']
    : never

/** Code and sentence of why something is refused or over: shown on somebody's terminal, sooner or later. */
const reason = {
  code: z.string().max(64).transform(printable),
  message: z.string().max(1_024).transform(printable),
} as const

/** Messages without an answer: `{type, ...body}`. */
export const notices = {
  /** Provider → consumer, each second: its own count and what it holds. */
  usage: z.object({
    session: z.string().max(64),
    ...sessionAccount,
  }),
  /** Provider → consumer: traffic stands still until more is promised. */
  suspended: z.object({ session: z.string().max(64), owed: zodWei, promised: zodWei }),
  resumed: z.object({ session: z.string().max(64), promised: zodWei }),
  /** Provider → consumer: over, and why. */
  ended: z.object({
    session: z.string().max(64),
    ...reason,
    ...sessionAccount,
  }),
} as const

export type NoticeType = keyof typeof notices
export type Notice<Type extends NoticeType> = z.output<(typeof notices)[Type]>

/** The page `GET /liabilities` of a hub: everything it said it owes at one block. */
export const liabilitiesPage = z.object({
  chainId: zodCount,
  channels: zodAddress,
  publishedAt: zodCount,
  liabilities: signed('Liabilities'),
  leaves: z.array(owedLeaf),
})
export type LiabilitiesPage = z.output<typeof liabilitiesPage>

/** The three messages that open a connection (docs/protocol.md, Hello). */
export const challengeMessage = z.object({
  type: z.literal('challenge'),
  challenge: zodBytes32,
  identity: zodAddress,
  wireVersion: z.number().int(),
})
export const helloMessage = z.object({
  type: z.literal('hello'),
  challenge: zodBytes32,
  identity: zodAddress,
  wireVersion: z.number().int(),
  issuedAt: zodTime,
  signature: zodSignature,
})
export const welcomeMessage = z.object({
  type: z.literal('welcome'),
  issuedAt: zodTime,
  signature: zodSignature,
})
export const refusedMessage = z.object({
  type: z.literal('refused'),
  ...reason,
})

/** JSON text of a message: bigints become decimal strings. */
export const encodeMessage = (message: object): string =>
  JSON.stringify(message, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))

/** The JSON object in a text; undefined for any other text, a list or a bare value. */
export function decodeObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
