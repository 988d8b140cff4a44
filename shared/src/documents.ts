import type { Address, Hex } from './units.js'

/** The contract whose domain a document is signed under: the one that checks it. */
export type Verifier = 'channels' | 'registry' | 'marketplace'

/**
 * Every signed document, its fields in signing order (docs/protocol.md, What is signed).
 * EIP-712, domain `{name: "Pontage", version: "1", chainId, verifyingContract}`.
 */
export const documents = {
  MicroPromise: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', provider: 'address', amount: 'uint256' },
  },
  Guarantee: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', provider: 'address', ceiling: 'uint256', expiresAt: 'uint64' },
  },
  GuaranteeRequest: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', provider: 'address', ceiling: 'uint256', issuedAt: 'uint64' },
  },
  HubPromise: { verifier: 'channels', fields: { provider: 'address', total: 'uint256' } },
  Release: { verifier: 'channels', fields: { channelId: 'bytes32', amount: 'uint256', upTo: 'uint64' } },
  SessionTerms: {
    verifier: 'marketplace',
    fields: {
      provider: 'address',
      consumer: 'address',
      channelId: 'bytes32',
      pricePerMegabyte: 'uint256',
      pricePerHour: 'uint256',
      creditBytes: 'uint256',
      issuedAt: 'uint64',
      validUntil: 'uint64',
    },
  },
  Proposal: {
    verifier: 'marketplace',
    fields: {
      provider: 'address',
      service: 'string',
      pricePerMegabyte: 'uint256',
      pricePerHour: 'uint256',
      country: 'string',
      endpoint: 'string',
      wireguardKey: 'bytes32',
      certificate: 'bytes32',
      exitPolicy: 'string',
      hubs: 'address[]',
      issuedAt: 'uint64',
    },
  },
  Registration: {
    verifier: 'registry',
    fields: {
      identity: 'address',
      roles: 'uint8',
      stake: 'uint256',
      beneficiary: 'address',
      url: 'string',
      relayFee: 'uint256',
      nonce: 'uint256',
      deadline: 'uint64',
    },
  },
  Opening: {
    verifier: 'channels',
    fields: {
      consumer: 'address',
      hub: 'address',
      channelNonce: 'uint48',
      amount: 'uint256',
      relayFee: 'uint256',
      deadline: 'uint64',
    },
  },
  ExitRequest: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', relayFee: 'uint256', deadline: 'uint64' },
  },
  Hello: {
    verifier: 'channels',
    fields: {
      challenge: 'bytes32',
      peer: 'address',
      certificate: 'bytes32',
      wireVersion: 'uint32',
      issuedAt: 'uint64',
    },
  },
  SessionReceipt: {
    verifier: 'channels',
    fields: {
      provider: 'address',
      channelId: 'bytes32',
      amount: 'uint256',
      bytes: 'uint64',
      throughputKbps: 'uint32',
      score: 'uint8',
      endedAt: 'uint64',
    },
  },
  Liabilities: {
    verifier: 'channels',
    fields: { hub: 'address', root: 'bytes32', sum: 'uint256', pool: 'uint256', blockNumber: 'uint64' },
  },
} as const satisfies Record<string, { verifier: Verifier; fields: Record<string, FieldType> }>

/** Solidity type of a field, and what carries it here: up to 64 bits a safe integer, above a bigint. */
interface FieldValues {
  bytes32: Hex
  address: Address
  'address[]': readonly Address[]
  string: string
  uint8: number
  uint32: number
  uint48: number
  uint64: number
  uint256: bigint
}

export type FieldType = keyof FieldValues
export type DocumentName = keyof typeof documents

/** The values of one document, such as `Document<'MicroPromise'>`. */
export type Document<Name extends DocumentName> = {
  readonly [Field in keyof (typeof documents)[Name]['fields']]: FieldValues[(typeof documents)[Name]['fields'][Field] &
    FieldType]
}

/** A document with its signer's 65 bytes. */
export type Signed<Name extends DocumentName> = Document<Name> & { readonly signature: Hex }

/** `MicroPromise(bytes32 channelId,address provider,uint256 amount)`, as EIP-712 encodes a type. */
export function documentType(name: DocumentName): string {
  const fields = Object.entries(documents[name].fields).map(([field, type]) => `${type} ${field}`)
  return `${name}(${fields.join(',')})`
}

/** One deployment: which chain, which contracts. Every signature belongs to exactly one. */
export interface Deployment {
  readonly chainId: number
  readonly token: Address
  readonly registry: Address
  readonly channels: Address
  readonly marketplace: Address
  /** Block in which the first contract was created: logs are read from here. */
  readonly fromBlock: number
}

/** Bits of the registry's `roles`. */
export const roles = { consumer: 1, provider: 2, hub: 4 } as const

/** The parties of a channel, from which its id follows; the chain does not store them. */
export interface ChannelParties {
  readonly consumer: Address
  readonly hub: Address
  readonly nonce: number
}
