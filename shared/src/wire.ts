import { z } from 'zod'
import type { ClearAnswer, ClearRequest } from './clearFrame.js'
import { type DocumentName, documents, type FieldType } from './documents.js'
import { address, bytes, bytes32, type Hex, unixSeconds, wei } from './units.js'

/** Version of everything below. Both sides name theirs in the hello, and differing ones part at once. */
export const wireVersion = 1

/** No frame is larger; a larger one closes the connection. */
export const maxFrameBytes = 262_144

/** Seconds that two clocks may differ, and that a request stays good. */
export const freshnessSeconds = 60

const convert = <Out>(read: (text: string) => Out) =>
  z.string().transform((text, context): Out => {
    try {
      return read(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
      return z.NEVER
    }
  })

const zodAddress = convert(address)
const zodBytes32 = convert(bytes32)
const zodUint256 = z
  .string()
  .regex(/^\d{1,78}$/, 'expected a decimal string')
  .transform(BigInt)
  .refine((amount) => amount < 2n ** 256n, 'expected less than 2^256')
const zodWei = zodUint256.transform(wei)
const zodTime = z.number().int().nonnegative().safe().transform(unixSeconds)
const zodHex = (maxBytes: number) =>
  z
    .string()
    .max(2 + 2 * maxBytes)
    .regex(/^0x([0-9a-fA-F]{2})*$/, 'expected hexadecimal')
    .transform((text) => text.toLowerCase() as Hex)
const zodSignature = zodHex(65)
const zodCount = z.number().int().nonnegative().safe()
/** Byte counts travel as decimal strings too: they are bigints on both sides. */
const zodBytes = z
  .string()
  .regex(/^\d{1,20}$/, 'expected a decimal string')
  .transform((text) => bytes(BigInt(text)))

const fieldSchemas = {
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
} satisfies Record<FieldType, z.ZodType>

type DocumentShape<Name extends DocumentName> = {
  [Field in keyof (typeof documents)[Name]['fields']]: (typeof fieldSchemas)[(typeof documents)[Name]['fields'][Field] &
    FieldType]
}

/** A signed document on the wire: its fields (amounts as decimal strings) and `signature`. */
function signed<Name extends DocumentName>(name: Name) {
  const shape = Object.fromEntries(
    Object.entries(documents[name].fields).map(([field, type]) => [field, fieldSchemas[type]]),
  ) as DocumentShape<Name>
  return z.object({ ...shape, signature: zodSignature })
}

const parties = z.object({ consumer: zodAddress, hub: zodAddress, nonce: fieldSchemas.uint48 })
/** ERC-2612: the token may move `value` for whoever it was signed to. */
const permit = z.object({ value: zodWei, deadline: zodCount, signature: zodSignature })
const providerTotal = z.object({ provider: zodAddress, amount: zodWei })
const release = signed('Release').extend({ provider: zodAddress })

/** What a hub says it owes one provider: its promise, and what of it was not paid out. */
const owedLeaf = z.object({ provider: zodAddress, total: zodWei, outstanding: zodWei })
/** The block that what is shown was read at. */
const block = z.object({ number: zodCount, hash: z.string().max(66), at: zodCount })
/** An offer with what it takes to check it on chain, and what is said of who makes it. */
const listedProposal = z.object({
  proposal: signed('Proposal'),
  /** When its prices come into force. */
  effectiveAt: zodCount,
  /** Prices in force until then. */
  inForce: z.object({ pricePerMegabyte: zodWei, pricePerHour: zodWei }).optional(),
  /** The event it was read from. */
  published: z.object({
    blockNumber: zodCount,
    blockHash: zodBytes32,
    transaction: zodBytes32,
    logIndex: zodCount,
  }),
  /** As the registry has it at the block. */
  standing: z.object({
    stake: zodWei,
    unbonding: zodWei,
    faults: zodCount,
    debt: zodWei,
    registeredAt: zodCount,
    beneficiary: zodAddress,
    active: z.boolean(),
  }),
  /** From session receipts, weighted by what was paid; null where none says anything. */
  quality: z.object({
    sessions: zodCount,
    paid: zodWei,
    throughputKbps: z.number().nonnegative().nullable(),
    /** 1 to 5. */
    score: z.number().nonnegative().nullable(),
  }),
})

/**
 * Requests and their answers. On the wire: `{id, type, ...params}` is answered by `{id, ok: true, ...result}`
 * or `{id, ok: false, code, message}`. Either side of a connection may ask.
 */
export const requests = {
  /** Anyone → hub: who it is and what it asks. */
  describe: {
    params: z.object({}),
    result: z.object({
      hub: zodAddress,
      chainId: zodCount,
      channels: zodAddress,
      feeBps: zodCount,
      confirmations: zodCount,
      /** Fees the hub takes for sending each transaction, in wei of the token. */
      relayFees: z.object({ register: zodWei, open: zodWei, exit: zodWei }),
      /** Lifetime of the guarantees it signs. */
      guaranteeSeconds: zodCount,
      /** Fingerprint of its certificate; none where it does without TLS. */
      certificate: zodBytes32.optional(),
    }),
  },
  /** Identity without gas → hub: send this registration. */
  'relay-register': {
    params: z.object({ registration: signed('Registration'), permit }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /** Consumer without gas → hub: open this channel. */
  'relay-open': {
    params: z.object({ opening: signed('Opening'), permit }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /** Consumer without gas → hub: begin its exit from this channel. The fee comes out of what is left at its end. */
  'relay-exit': {
    params: z.object({ channel: parties, exit: signed('ExitRequest') }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /**
   * Anyone → hub: end this channel, whose exit is due. The rest goes to the consumer, whoever sends it; the fee that
   * was signed with the exit goes to whoever relayed that. `protesters` are all providers with an open protest.
   */
  'relay-finish': {
    params: z.object({ channel: parties, protesters: z.array(zodAddress).max(64) }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /**
   * Consumer → hub: which of my micro-promises on this channel do you hold that are not drawn yet? For one that lost
   * its own records: each carries its own signature.
   */
  papers: {
    params: z.object({ channel: parties }),
    result: z.object({ promises: z.array(signed('MicroPromise')).max(1_000) }),
  },
  /** Consumer → hub: its signature on turn 0 of the channel's pre-fund state; answered by the hub's on turn 1. */
  prefund: {
    params: z.object({ channel: parties, signature: zodSignature }),
    result: z.object({ signature: zodSignature }),
  },
  /** Provider → hub: stand behind this consumer up to the ceiling. */
  guarantee: {
    params: z.object({ channel: parties, request: signed('GuaranteeRequest') }),
    result: z.object({ guarantee: signed('Guarantee') }),
  },
  /**
   * Anyone → hub: what consumers signed about sessions that ended. Nobody need say who brings them. A refused one is
   * named by its place in the list.
   */
  receipts: {
    params: z.object({ receipts: z.array(signed('SessionReceipt')).min(1).max(100) }),
    result: z.object({
      /** What these receipts added to the paid traffic that the hub knows of. */
      counted: zodWei,
      refused: z.array(z.object({ index: zodCount, code: z.string(), message: z.string() })),
    }),
  },
  /** Anyone → hub: offers on chain, the cheapest first, of providers with their stake and without a debt. */
  proposals: {
    params: z.object({
      country: z
        .string()
        .regex(/^[A-Za-z]{2}$/, 'expected two letters such as DE')
        .optional(),
      /** Wei for a megabyte. */
      maxPrice: zodWei.optional(),
      limit: z.number().int().min(1).max(100).optional(),
      /** `next` of the page before. */
      cursor: z
        .string()
        .regex(/^\d{1,78}-0x[0-9a-f]{40}$/, 'expected the "next" of a page')
        .optional(),
    }),
    result: z.object({
      block,
      proposals: z.array(listedProposal),
      /** Undefined on the last page. */
      next: z.string().optional(),
    }),
  },
  /** Anyone → hub: who takes how much of what is paid for traffic, by the receipts this hub has. */
  market: {
    params: z.object({}),
    result: z.object({
      block,
      /** Offers listed. */
      offers: zodCount,
      sessions: zodCount,
      paid: zodWei,
      /** Beneficiaries that were paid anything. */
      sellers: zodCount,
      /** Σ share², from 1/n for n equal sellers to 1 for a monopoly. */
      herfindahl: z.number().min(0).max(1),
      /** The largest first, at most a hundred. */
      beneficiaries: z.array(
        z.object({
          beneficiary: zodAddress,
          providers: zodCount,
          paid: zodWei,
          share: z.number().min(0).max(1),
        }),
      ),
    }),
  },
  /** Provider → hub: show that what you owe me is in what you published. */
  liability: {
    params: z.object({
      /** Whoever asks, unless named. */
      provider: zodAddress.optional(),
      /** The newest publication, unless one is named by both. */
      root: zodBytes32.optional(),
      blockNumber: zodCount.optional(),
    }),
    result: z.object({
      liabilities: signed('Liabilities'),
      /** Null when the provider has no leaf: the hub says it owes it nothing. */
      proof: z
        .object({
          leaf: owedLeaf,
          index: zodCount,
          /** Leaves in all. */
          count: zodCount,
          path: z.array(z.object({ hash: zodBytes32, sum: zodWei })).max(64),
        })
        .nullable(),
    }),
  },
  /**
   * Provider → hub: can its endpoint be reached from where the hub is? The hub connects to the endpoint of the
   * provider's own offer, nowhere else, and compares the certificate. `problem` is empty when all is well.
   */
  reach: {
    params: z.object({}),
    result: z.object({ endpoint: z.string().max(512), problem: z.string().max(512) }),
  },
  /**
   * Provider → hub, when it connects: what it holds of the hub, in case the hub's ledger is older than that. First the
   * latest promise and the newest guarantees; all that are live once the answer says that something was news.
   */
  recall: {
    params: z.object({
      hubPromise: z.object({ total: zodWei, signature: zodSignature }).nullable(),
      guarantees: z.array(signed('Guarantee')).max(200),
    }),
    result: z.object({
      /** By how much the hub's total was raised. */
      raised: zodWei,
      /** How many of the guarantees it did not know. */
      recalled: zodCount,
      /** Whether it rebuilds its ledger: then it wants to see every promise again. */
      isRecovering: z.boolean(),
    }),
  },
  /** Hub → provider: the channel is to be closed; are you done with it, and at which amount? */
  release: {
    params: z.object({ channel: parties }),
    result: z.object({ release: signed('Release') }),
  },
  /**
   * Consumer → hub: what would the final state of this channel pay? The hub asks the providers for releases
   * first. `turnNum` is the turn the final state takes.
   */
  'close-draft': {
    params: z.object({ channel: parties }),
    result: z.object({ turnNum: zodCount, totals: z.array(providerTotal), releases: z.array(release) }),
  },
  /** Consumer → hub: its signature on exactly that final state; the hub signs, and sends it to the chain. */
  conclude: {
    params: z.object({
      channel: parties,
      turnNum: zodCount,
      totals: z.array(providerTotal),
      releases: z.array(release),
      signature: zodSignature,
    }),
    result: z.object({ signature: zodSignature, transaction: zodBytes32 }),
  },
  /** Consumer → provider: on which terms? Answered also with the last promise it holds on this channel. */
  terms: {
    params: z.object({ channel: parties }),
    result: z.object({
      terms: signed('SessionTerms'),
      lastPromise: signed('MicroPromise').nullable(),
      /** Ceiling the provider would like the guarantee to have, on top of what was promised before. */
      ceiling: zodWei,
    }),
  },
  /** Consumer → provider: start, on the terms just given; carries the request the provider forwards to the hub. */
  open: {
    params: z.object({
      channel: parties,
      wireguardKey: zodBytes32,
      guaranteeRequest: signed('GuaranteeRequest'),
    }),
    result: z.object({
      session: z.string().max(64),
      guarantee: signed('Guarantee'),
      tunnel: z.object({
        /** The provider's WireGuard public key for this session and the pre-shared key. */
        publicKey: zodBytes32,
        presharedKey: zodBytes32,
        /** UDP port beside the endpoint's host. */
        port: z.number().int().min(1).max(65_535),
        /** The consumer's addresses inside the tunnel, and the provider's. */
        address4: z.string().max(15),
        address6: z.string().max(45),
        gateway4: z.string().max(15),
        gateway6: z.string().max(45),
        dns: z.array(z.string().max(45)).max(4),
        mtu: z.number().int().min(1_200).max(65_535),
        /** TCP port of the payment socket on the gateway, reached inside the tunnel. */
        paymentPort: z.number().int().min(1).max(65_535),
      }),
    }),
  },
  /** Consumer → provider, on the payment socket inside the tunnel: this is the socket of that session. */
  attach: {
    params: z.object({ session: z.string().max(64) }),
    result: z.object({ paid: zodWei }),
  },
  /** Consumer → provider: end the session. The answer is the provider's account of it. */
  end: {
    params: z.object({ session: z.string().max(64) }),
    result: z.object({ downBytes: zodBytes, upBytes: zodBytes, owed: zodWei, paid: zodWei }),
  },
} as const

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

/** Messages without an answer: `{type, ...body}`. */
export const notices = {
  /** Provider → consumer, each second: its own count and what it holds. */
  usage: z.object({
    session: z.string().max(64),
    downBytes: zodBytes,
    upBytes: zodBytes,
    owed: zodWei,
    paid: zodWei,
  }),
  /** Provider → consumer: traffic stands still until more is promised. */
  suspended: z.object({ session: z.string().max(64), owed: zodWei, paid: zodWei }),
  resumed: z.object({ session: z.string().max(64), paid: zodWei }),
  /** Provider → consumer: over, and why. */
  ended: z.object({
    session: z.string().max(64),
    code: z.string().max(64),
    message: z.string().max(1_024),
    downBytes: zodBytes,
    upBytes: zodBytes,
    owed: zodWei,
    paid: zodWei,
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
  code: z.string().max(64),
  message: z.string().max(1_024),
})

/** JSON text of a message: bigints become decimal strings. */
export const encodeMessage = (message: object): string =>
  JSON.stringify(message, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))
