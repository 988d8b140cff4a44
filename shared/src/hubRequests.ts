import * as z from 'zod'
import {
  fieldSchemas,
  parties,
  permit,
  providerTotal,
  release,
  signed,
  zodAddress,
  zodBytes32,
  zodCount,
  zodSignature,
  zodWei,
} from './wireFields.js'

/** Providers in one final state: more would not fit into one transaction. */
const maxProvidersOfChannel = 256

/** What a hub says it owes one provider: its promise, and what of it was not paid out. */
export const owedLeaf = z.object({ provider: zodAddress, total: zodWei, outstanding: zodWei })
/** The block that what is shown was read at. */
const block = z.object({ number: zodCount, hash: z.string().max(66), at: zodCount })
/** An offer with what it takes to check it on chain, and what is said of who makes it. */
const listedProposal = z.object({
  proposal: signed('Proposal'),
  /** When its prices come into force. */
  effectiveAt: zodCount,
  /** Prices in force until then. */
  inForce: signed('Proposal').pick({ pricePerMegabyte: true, pricePerHour: true }).optional(),
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

/** What is asked of a hub, and by a hub of a provider. */
export const hubRequests = {
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
      relayFees: z.object({
        register: zodWei,
        open: zodWei,
        exit: zodWei,
        deposit: zodWei,
        repay: zodWei,
        unbond: zodWei,
        withdraw: zodWei,
        collect: zodWei,
      }),
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
  /** Consumer without gas → hub: add this to its channel, which may be with another hub. */
  'relay-deposit': {
    params: z.object({ deposit: signed('Deposit'), permit }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /** Consumer without gas → hub: pay this on its debt. */
  'relay-repay': {
    params: z.object({ repayment: signed('Repayment'), permit }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /** Identity without gas → hub: begin to unbond its stake, or put back what is unbonding. */
  'relay-unbond': {
    params: z.object({ unbonding: signed('Unbonding'), permit }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /** Identity without gas → hub: pay out what has unbonded. The fee comes out of it. */
  'relay-withdraw': {
    params: z.object({ withdrawal: signed('StakeWithdrawal') }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /** Anyone without gas → hub: pay out what the token withheld, to where its owner says. The fee comes out of it. */
  'relay-collect': {
    params: z.object({ collection: signed('Collection') }),
    result: z.object({ transaction: zodBytes32 }),
  },
  /**
   * Consumer → hub: which of my micro-promises on this channel do you hold that are not drawn yet? For one that lost
   * its own records: each carries its own signature.
   */
  'held-promises': {
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
      maxPrice: fieldSchemas.weiPerMegabyte.optional(),
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
   * Provider → hub: can it be reached from where the hub is? The hub connects to the endpoint, by default that of the
   * provider's own offer, and compares the certificate; then it greets the WireGuard peer behind the UDP port with the
   * private key that was made for this. `problem` is empty when all is well.
   */
  reach: {
    params: z.object({
      endpoint: z.string().max(256).optional(),
      certificate: zodBytes32.optional(),
      wireguard: z
        .object({ port: z.number().int().min(1).max(65_535), publicKey: zodBytes32, greeter: zodBytes32 })
        .optional(),
    }),
    result: z.object({ endpoint: z.string().max(512), problem: z.string().max(512) }),
  },
  /**
   * Provider → hub, when it connects: what it holds of the hub, in case the hub's ledger is older than that. First the
   * latest promise and the newest guarantees and cleared promises; all of them once the answer says that the hub recovers.
   */
  recall: {
    params: z.object({
      hubPromise: z.object({ total: zodWei, signature: zodSignature }).nullable(),
      guarantees: z.array(signed('Guarantee')).max(200),
      /** What the hub has cleared, by its own stamp. Left out by a program that keeps no stamps: it is given none then. */
      cleared: z
        .array(
          z.object({ channelId: zodBytes32, amount: zodWei, signature: zodSignature, stamp: zodBytes32 }),
        )
        .max(200)
        .optional(),
    }),
    result: z.object({
      /** By how much the promise that is shown raised the hub's total. */
      raised: zodWei,
      /** How many of the guarantees and cleared promises it did not know. */
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
      totals: z.array(providerTotal).max(maxProvidersOfChannel),
      releases: z.array(release).max(maxProvidersOfChannel),
      signature: zodSignature,
    }),
    result: z.object({ signature: zodSignature, transaction: zodBytes32 }),
  },
} as const
