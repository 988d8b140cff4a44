import type { Address, Bytes, Hex, UnixSeconds, Wei, WeiPerHour, WeiPerMegabyte } from './units.js'

/** The contract whose domain a document is signed under: the one that checks it. */
export type Verifier = 'channels' | 'registry' | 'marketplace'

/**
 * Every signed document, its fields in signing order (docs/protocol.md, What is signed).
 * EIP-712, domain `{name: "Pontage", version: "1", chainId, verifyingContract}`.
 */
export const documents = {
  MicroPromise: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', provider: 'address', amount: 'wei' },
  },
  Guarantee: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', provider: 'address', ceiling: 'wei', expiresAt: 'unixSeconds' },
  },
  GuaranteeRequest: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', provider: 'address', ceiling: 'wei', issuedAt: 'unixSeconds' },
  },
  HubPromise: { verifier: 'channels', fields: { hub: 'address', provider: 'address', total: 'wei' } },
  Release: {
    verifier: 'channels',
    fields: { provider: 'address', channelId: 'bytes32', amount: 'wei', upTo: 'unixSeconds' },
  },
  SessionTerms: {
    verifier: 'marketplace',
    fields: {
      provider: 'address',
      consumer: 'address',
      channelId: 'bytes32',
      pricePerMegabyte: 'weiPerMegabyte',
      pricePerHour: 'weiPerHour',
      creditBytes: 'byteCount',
      issuedAt: 'unixSeconds',
      validUntil: 'unixSeconds',
    },
  },
  Proposal: {
    verifier: 'marketplace',
    fields: {
      provider: 'address',
      service: 'string',
      pricePerMegabyte: 'weiPerMegabyte',
      pricePerHour: 'weiPerHour',
      country: 'string',
      endpoint: 'string',
      wireguardKey: 'bytes32',
      certificate: 'bytes32',
      exitPolicy: 'string',
      hubs: 'address[]',
      issuedAt: 'unixSeconds',
    },
  },
  Registration: {
    verifier: 'registry',
    fields: {
      identity: 'address',
      roles: 'uint8',
      stake: 'wei',
      beneficiary: 'address',
      url: 'string',
      relayFee: 'wei',
      nonce: 'uint256',
      deadline: 'unixSeconds',
    },
  },
  Opening: {
    verifier: 'channels',
    fields: {
      consumer: 'address',
      hub: 'address',
      channelNonce: 'uint48',
      amount: 'wei',
      relayFee: 'wei',
      deadline: 'unixSeconds',
    },
  },
  Collection: {
    verifier: 'channels',
    fields: {
      owner: 'address',
      to: 'address',
      relayFee: 'wei',
      nonce: 'uint256',
      deadline: 'unixSeconds',
    },
  },
  Deposit: {
    verifier: 'registry',
    fields: {
      consumer: 'address',
      hub: 'address',
      channelNonce: 'uint48',
      amount: 'wei',
      relayFee: 'wei',
      nonce: 'uint256',
      deadline: 'unixSeconds',
    },
  },
  Repayment: {
    verifier: 'registry',
    fields: {
      consumer: 'address',
      hub: 'address',
      channelNonce: 'uint48',
      provider: 'address',
      amount: 'wei',
      relayFee: 'wei',
      nonce: 'uint256',
      deadline: 'unixSeconds',
    },
  },
  Unbonding: {
    verifier: 'registry',
    fields: {
      identity: 'address',
      amount: 'wei',
      relayFee: 'wei',
      nonce: 'uint256',
      deadline: 'unixSeconds',
    },
  },
  StakeWithdrawal: {
    verifier: 'registry',
    fields: { identity: 'address', relayFee: 'wei', nonce: 'uint256', deadline: 'unixSeconds' },
  },
  ExitRequest: {
    verifier: 'channels',
    fields: { channelId: 'bytes32', relayFee: 'wei', deadline: 'unixSeconds' },
  },
  Hello: {
    verifier: 'channels',
    fields: {
      challenge: 'bytes32',
      peer: 'address',
      certificate: 'bytes32',
      wireVersion: 'uint32',
      issuedAt: 'unixSeconds',
    },
  },
  SessionReceipt: {
    verifier: 'channels',
    fields: {
      provider: 'address',
      channelId: 'bytes32',
      amount: 'wei',
      bytes: 'uint64',
      throughputKbps: 'uint32',
      score: 'uint8',
      endedAt: 'unixSeconds',
    },
  },
  Invitation: {
    verifier: 'channels',
    fields: {
      provider: 'address',
      /** Zero: whoever has it. */
      consumer: 'address',
      pricePerMegabyte: 'weiPerMegabyte',
      pricePerHour: 'weiPerHour',
      country: 'string',
      endpoint: 'string',
      path: 'string',
      /** Zero: one that changes. */
      certificate: 'bytes32',
      exitPolicy: 'string',
      hubs: 'address[]',
      issuedAt: 'unixSeconds',
      expiresAt: 'unixSeconds',
    },
  },
  Liabilities: {
    verifier: 'channels',
    fields: { hub: 'address', root: 'bytes32', sum: 'wei', pool: 'wei', blockNumber: 'uint64' },
  },
} as const satisfies Record<string, { verifier: Verifier; fields: Record<string, FieldType> }>

/** What carries a field here: up to 64 bits a safe integer, above a bigint; with its unit where it has one. */
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
  wei: Wei
  weiPerMegabyte: WeiPerMegabyte
  weiPerHour: WeiPerHour
  byteCount: Bytes
  unixSeconds: UnixSeconds
}

/** How the fields with a unit are typed in Solidity; the others bear its names. */
const solidityTypes: Partial<Record<FieldType, string>> = {
  wei: 'uint256',
  weiPerMegabyte: 'uint256',
  weiPerHour: 'uint256',
  byteCount: 'uint256',
  unixSeconds: 'uint64',
}

/** `uint256` for amounts, `uint64` for times: the type of a field as EIP-712 encodes it. */
export const solidityType = (type: FieldType): string => solidityTypes[type] ?? type

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
  const fields = Object.entries(documents[name].fields).map(
    ([field, type]) => `${solidityType(type)} ${field}`,
  )
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

/** Asked to unbond so much, the registry unbonds all there is: a stranger may add a unit at any moment. */
export const wholeStake = 2n ** 256n - 1n

/** Bits of the registry's `roles`. */
export const roles = { consumer: 1, provider: 2, hub: 4 } as const

/** The parties of a channel, from which its id follows; the chain does not store them. */
export interface ChannelParties {
  readonly consumer: Address
  readonly hub: Address
  readonly nonce: number
}
