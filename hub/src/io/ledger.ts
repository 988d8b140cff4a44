import type {
  Address,
  Deployment,
  Hex,
  ProviderTotal,
  Signed,
  SignedReleaseTerms,
  Verdict,
  Wei,
} from '@pontage/shared'
import { type Outbox, UserError } from '@pontage/shared/node'
import type { ChannelLine, Tab } from '../core/channelLine.js'
import type { Credited, CreditOrder, GrantOrder, HeldPromise } from '../core/clearing.js'
import type { Undrawn } from '../core/drawPolicy.js'
import type { Liability } from '../core/liabilities.js'
import type { Quality } from '../core/receipts.js'
import type { Account, Pool } from '../core/solvency.js'
import type { DumpedRow } from './store/dump.js'

/** A block that the ledger has followed the chain to. */
export interface Cursor {
  readonly number: number
  readonly hash: string
  readonly at: number
}

/** The hub's own standing on chain, as of the cursor. */
export interface HubStanding extends Pool {
  readonly feeBps: number
}

/** What changed on chain up to a block: the new values, not the differences, so applying it twice is harmless. */
export interface ChainUpdate {
  readonly cursor: Cursor
  readonly hub: HubStanding
  readonly channels: readonly {
    readonly channelId: Hex
    readonly consumer: Address
    readonly nonce: number
    readonly status: ChannelLine['status']
    readonly balance: Wei
    readonly exitAt: number
  }[]
  readonly tabs: readonly {
    readonly channelId: Hex
    readonly provider: Address
    readonly drawn: Wei
    readonly protested: Wei
    /** When the protest may be settled; zero while none runs. */
    readonly protestEndsAt: number
  }[]
  readonly accounts: readonly {
    readonly provider: Address
    readonly credited: Wei
    readonly paid: Wei
  }[]
}

/** A final state that the hub has signed, with all it takes to send it. */
export interface Closing {
  readonly channelId: Hex
  readonly turnNum: number
  readonly totals: readonly ProviderTotal[]
  readonly releases: readonly SignedReleaseTerms[]
  readonly consumerSignature: Hex
  readonly hubSignature: Hex
}

/** A channel that is to be closed, and a provider that must release it first. */
export interface ReleaseRequest {
  readonly channelId: Hex
  readonly consumer: Address
  readonly nonce: number
  readonly provider: Address
}

/** The promise the hub holds with what a draw of it needs. */
export interface DrawOrder extends Undrawn {
  readonly consumer: Address
  readonly nonce: number
  readonly signature: Hex
  /** Whether the hub has signed a final state of its channel. */
  readonly isClosing: boolean
}

/** Sums over the whole ledger, read at once and not added up. */
export interface Tally {
  /** What the hub would have to advance if every provider redeemed now. */
  readonly owed: Wei
  /** Held and not drawn, as far as its channels still hold it, but for what a final state draws. */
  readonly undrawn: Wei
  /** Whether a channel is being left or protested. */
  readonly urgent: boolean
  /** Open channels, and what they hold. */
  readonly channels: number
  readonly collateral: Wei
  /** The totals promised to providers. */
  readonly promised: Wei
  readonly pool: HubStanding
}

/** The store cannot be reached or written. Nothing of the order is on disk, or nobody was told that it is. */
export class LedgerUnavailable extends UserError {
  override name = 'LedgerUnavailable'
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, { ...options, code: 'ledger-unavailable' })
  }
}

/** A session receipt about to be counted. */
export interface ReceiptOrder {
  readonly receipt: Signed<'SessionReceipt'>
  readonly decide: (line: ChannelLine) => Verdict
}

/** Which open channels somebody wants to look at. */
export interface ChannelsSought {
  /** Only those that a consumer leaves or a provider protests on. */
  readonly urgent: boolean
  /** How the id of the channel, its consumer or one of its providers begins. */
  readonly of?: string | undefined
  readonly most: number
}

/** What is shown of a list that may be long. */
export interface Listed<Item> {
  /** Of all that were sought. */
  readonly count: number
  readonly shown: readonly Item[]
}

/** What the hub said it owes, all of it, on one block. */
export interface Publication {
  readonly liabilities: Signed<'Liabilities'>
  /** In the order of the tree. */
  readonly leaves: readonly Liability[]
  readonly publishedAt: number
}

/** A transaction that was relayed for somebody, kept so that the same document is not sent twice. */
export interface Relayed {
  readonly digest: Hex
  readonly identity: Address
  readonly transaction: Hex
  readonly at: number
}

/** A transaction about to be relayed. The same digest again is not counted again. */
export interface RelayJobOrder {
  readonly digest: Hex
  readonly identity: Address
  /** Where it came from, in 32 bytes that tell nobody where that is. */
  readonly origin: Hex
  readonly at: number
  /** What was counted until then is forgotten. */
  readonly since: number
  readonly decide: (counts: RelayJobCounts) => Verdict
}

/** Relay jobs since a time. */
export interface RelayJobCounts {
  readonly ofIdentity: number
  readonly ofOrigin: number
  readonly inAll: number
  /** Of the identity, and in no block yet. */
  readonly underWay: number
}

/** An identity that gets no guarantee, no channel and no relayed transaction. */
export interface Blocked {
  readonly identity: Address
  readonly since: number
}

/**
 * `leaving`: the hub is being wound down. `draw-asked`: the number of the last command to draw everything;
 * `draw-done`: what came of it. `relief-asked`, `relief-done`: the same for a process whose pool is empty. `recovering`: the ledger was found to be older than what had left the hub. `probed`: when
 * somebody last tried whether it can be written.
 */
export type NoteName =
  | 'probed'
  | 'leaving'
  | 'draw-asked'
  | 'draw-done'
  | 'relief-asked'
  | 'relief-done'
  | 'recovering'

/**
 * Everything a hub must not forget. Each method is decided and written in one transaction, on disk when it returns;
 * orders that arrive together share one, each on the rows as the one before left them. `decide` and `sign` run inside
 * it, and once more where another process came in between. Every method throws LedgerUnavailable when the store cannot
 * be reached or written.
 */
export interface Ledger {
  /** Binds the ledger to one hub of one deployment, and refuses any other from then on. @throws UserError */
  bind(hub: Address, deployment: Deployment): Promise<void>

  cursor(): Promise<Cursor | undefined>
  /** Some of the blocks that were the cursor before, the newest first. */
  landmarks(): Promise<readonly Cursor[]>
  applyChain(update: ChainUpdate): Promise<void>
  standing(): Promise<HubStanding>

  channel(channelId: Hex): Promise<ChannelLine | undefined>
  /** Channels that are not closed, all of them. */
  openChannels(): Promise<readonly ChannelLine[]>
  /** Some of them, those first that have to be drawn first, then those that hold most. */
  listChannels(sought: ChannelsSought): Promise<Listed<ChannelLine>>
  /** Some of the providers that were promised or guaranteed anything, those first that may redeem most. */
  listProviders(most: number): Promise<Listed<Account & { readonly live: readonly Tab[] }>>
  /** Providers the hub has ever promised anything. */
  countProviders(): Promise<number>
  /** Providers the hub has ever promised anything, all of them or those among these. */
  accounts(among?: readonly Address[]): Promise<readonly Account[]>

  grant(order: GrantOrder): Promise<Verdict<{ guarantee: Signed<'Guarantee'> }>>
  /** The promises stay with the ledger even when it refuses for want of a pool: they are what is drawn then. */
  credit(order: CreditOrder): Promise<Verdict<{ credited: Credited }>>
  /** Those of the channels on which the hub ever gave this provider a guarantee. */
  channelsWithTab(provider: Address, channelIds: readonly Hex[]): Promise<readonly Hex[]>
  /** Whether the hub ever gave this provider a guarantee. */
  guaranteed(provider: Address): Promise<boolean>
  tally(): Promise<Tally>
  /** Held promises worth more than what was drawn of them: all that can be drawn, or those of one channel. Reads them all. */
  undrawn(channelId?: Hex): Promise<readonly DrawOrder[]>
  /**
   * Held promises that may have to be drawn now: those on channels that are being left or protested, and of all others
   * the largest.
   *
   * @param most - Of the others.
   */
  pressing(most: number): Promise<readonly DrawOrder[]>
  /** Protests that ran when their channels were last seen. */
  protests(): Promise<readonly { readonly channelId: Hex; readonly provider: Address }[]>

  /**
   * Counts a receipt by `countReceipt`, and keeps the newest of each (channel, provider).
   *
   * @returns What it added to what is known to be paid to its provider.
   */
  recordReceipt(order: ReceiptOrder): Promise<Verdict<{ counted: Wei }>>
  /** The sums over the receipts of each provider that has any. */
  qualities(): Promise<readonly Quality[]>

  /** Keeps a publication, and of the older ones as many as anybody may still ask for. */
  recordPublication(publication: Publication): Promise<void>
  /** Which are the newest, at most so many, the newest first. */
  newestPublications(most: number): Promise<readonly { root: Hex; blockNumber: number }[]>
  /** The newest, or the one of this root and block, with every leaf. */
  publication(of?: { root: Hex; blockNumber: number }): Promise<Publication | undefined>

  /**
   * Takes in by `learnTotal` that this much had been promised, or was paid, before the ledger knew of it.
   *
   * @param order.signature - The hub's own, where somebody showed it.
   * @returns By how much the total was raised.
   */
  raiseTotal(order: { provider: Address; total: Wei; signature?: Hex }): Promise<Wei>
  /**
   * Takes in a guarantee that the hub had given before the ledger knew of it, whether the channel can bear it or not.
   *
   * @param order.cause - Digest of the guarantee.
   * @returns Whether it was unknown, though it ended too short ago to have been forgotten as one on which nothing was promised.
   */
  recallGuarantee(order: { cause: Hex; guarantee: Signed<'Guarantee'> }): Promise<boolean>
  /**
   * Takes in promises that the hub had cleared before the ledger knew of it, on channels that it knows, by `recallCleared`.
   *
   * @returns How many of them were unknown.
   */
  recallCleared(order: { provider: Address; promises: readonly HeldPromise[] }): Promise<number>

  /** Records a final state before its signature leaves; refuses another once one was recorded. */
  recordClosing(order: {
    channelId: Hex
    decide: (line: ChannelLine) => Verdict
    sign: () => Closing
  }): Promise<Verdict<{ closing: Closing }>>
  closing(channelId: Hex): Promise<Closing | undefined>
  /** Final states whose channels still stand open on chain. */
  openClosings(): Promise<readonly (Closing & { readonly consumer: Address; readonly nonce: number })[]>

  /** Whether other processes may work on the same ledger at the same time. */
  readonly isShared: boolean
  /** Asks the processes on this ledger for a provider's release; what was asked for before `since` is forgotten. */
  requestRelease(request: ReleaseRequest, at: number, since: number): Promise<void>
  /** What was asked for since a time, and nobody has answered. */
  releaseRequests(since: number): Promise<readonly ReleaseRequest[]>
  /** Passes a release on to the process that asked for it, or that there is none. */
  answerRelease(
    request: Pick<ReleaseRequest, 'channelId' | 'provider'>,
    release: Signed<'Release'> | undefined,
  ): Promise<void>
  /** What came of such a request; undefined until it is answered. */
  releaseAnswer(
    request: Pick<ReleaseRequest, 'channelId' | 'provider'>,
  ): Promise<Signed<'Release'> | 'none' | undefined>

  relayed(digest: Hex): Promise<Relayed | undefined>
  recordRelayed(entry: Relayed): Promise<void>
  /** Counts something to be relayed, over all processes on this ledger, unless it is one too many. */
  countRelayJob(order: RelayJobOrder): Promise<Verdict>

  /** Transactions from the wish to their last confirmation, recorded before they leave. */
  readonly outbox: Outbox

  /** Identities that the operator does not deal with, each with the time it was blocked. */
  blocked(): Promise<readonly Blocked[]>
  /** Blocking twice keeps the first time. */
  block(entry: Blocked): Promise<void>
  /** @returns Whether it was blocked. */
  unblock(identity: Address): Promise<boolean>

  /** What a command left for the running hub, or the hub for a command. */
  note(name: NoteName): Promise<string | undefined>
  writeNote(name: NoteName, text: string | undefined): Promise<void>

  /** Why it cannot be written at the moment; undefined when it can. Tries it where nothing was written of late. */
  writable(): Promise<string | undefined>

  /** Whether this process is the one, of all on this ledger, that writes to the chain now. */
  leads(): Promise<boolean>
  /** Leaves that to another process for a while, where there is one. */
  standDown(): void

  /**
   * Has a listener called when the store was found to be an older one than before, ahead of the answers to those who
   * wait. Nothing is decided on it until then, and `recovering` is noted.
   */
  onSetback(listener: () => void): void

  /** Every row, as of one moment, for another ledger to take in. */
  dump(): Promise<readonly DumpedRow[]>
  /** Takes in such rows. @throws UserError unless this ledger is empty */
  restore(rows: readonly DumpedRow[]): Promise<void>

  /** What is wrong with the store itself; undefined while it is intact. Reads all of it. */
  problem(): Promise<string | undefined>

  close(): Promise<void>
}
