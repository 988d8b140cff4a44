import { toUtf8Bytes } from 'ethers'
import type { Address, Hex, UnixSeconds } from '../../units.js'
import { keccak256 } from '../signing/keccak.js'

/** What a transaction is to do. */
export interface OutboxCall {
  readonly to: Address
  readonly data: Hex
  /** Of the chain's coin, in its smallest unit, as decimal text. */
  readonly value: string
}

/** One signature over a transaction. All versions of an entry share its nonce, so at most one is ever in a block. */
export interface SignedVersion {
  readonly hash: Hex
  /** The bytes to broadcast; left out once no broadcast can be needed any more. */
  readonly raw?: Hex
  /** In wei of the chain's coin, as decimal text. */
  readonly maxFeePerGas: string
  readonly maxPriorityFeePerGas: string
}

/**
 * Where a transaction stands: `wanted`, not signed yet; `sent`, signed and perhaps broadcast; `mined`, in a block
 * that may still be replaced; `done`, in a block deep enough; `refused`, the chain would not have it or reverted it.
 */
export type OutboxState = 'wanted' | 'sent' | 'mined' | 'done' | 'refused'

/** One transaction from the wish to its last confirmation. */
export interface OutboxEntry {
  /** Digest of what caused it: the same cause never becomes two transactions. */
  readonly intent: Hex
  readonly state: OutboxState
  /** Grows by one with each change, so that of two writers only one is right. */
  readonly revision: number
  readonly call: OutboxCall
  readonly nonce?: number
  readonly gasLimit?: string
  /** The dearest last. */
  readonly versions: readonly SignedVersion[]
  /** The version that is in a block, and whether it took effect. */
  readonly outcome?: { readonly transaction: Hex; readonly blockNumber: number; readonly succeeded: boolean }
  /** Why it was refused, as a sentence. */
  readonly reason?: string
  /** When it became done or refused. */
  readonly settledAt?: UnixSeconds
}

/** The chain writer's memory: what is recorded here before it leaves is found again after a crash. */
export interface Outbox {
  /** Keeps an entry unless its intent is known and not refused. @returns what stands for the intent now. */
  add(entry: OutboxEntry): Promise<OutboxEntry>
  find(intent: Hex): Promise<OutboxEntry | undefined>
  /** Replaces the entry whose revision is one less; durable when it returns. @returns false when somebody was first. */
  put(entry: OutboxEntry): Promise<boolean>
  /** Entries that are wanted, sent or mined, the oldest first. */
  open(): Promise<readonly OutboxEntry[]>
  /** Forgets what was done or refused before a time. */
  forget(before: UnixSeconds): Promise<void>
}

export const isOpen = ({ state }: Pick<OutboxEntry, 'state'>): boolean =>
  state === 'wanted' || state === 'sent' || state === 'mined'

/** The intent of a cause: 32 bytes that differ for different words. */
export const intentOf = (...cause: readonly string[]): Hex =>
  `0x${keccak256(toUtf8Bytes(JSON.stringify(cause))).toString('hex')}`

export const encodeEntry = (entry: OutboxEntry): string => JSON.stringify(entry)
export const decodeEntry = (text: string): OutboxEntry => JSON.parse(text) as OutboxEntry

/** An outbox that ends with the process: for a command, which a person repeats after looking. */
export function memoryOutbox(): Outbox {
  const entries = new Map<Hex, OutboxEntry>()
  return {
    async add(entry) {
      const known = entries.get(entry.intent)
      if (known && known.state !== 'refused') return known
      entries.delete(entry.intent)
      entries.set(entry.intent, entry)
      return entry
    },
    find: async (intent) => entries.get(intent),
    async put(entry) {
      if (entries.get(entry.intent)?.revision !== entry.revision - 1) return false
      entries.set(entry.intent, entry)
      return true
    },
    open: async () => [...entries.values()].filter(isOpen),
    async forget(before) {
      for (const entry of entries.values())
        if (!isOpen(entry) && (entry.settledAt ?? 0) < before) entries.delete(entry.intent)
    },
  }
}
