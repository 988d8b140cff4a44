/**
 * Why something was refused: what was seen, what was expected, what to do. One entry per code;
 * docs/errors.md holds cause and cure for each, and a test compares the two lists.
 */
const explanations = {
  // The wire.
  'not-json': (r: { seen: string }) =>
    `The frame is not JSON (it begins "${r.seen}"). Send one JSON object per text frame.`,
  'malformed-message': (r: { type: string; problem: string }) =>
    `The message "${r.type}" is malformed: ${r.problem}. Compare it with docs/protocol.md.`,
  'unknown-message': (r: { type: string }) =>
    `There is no message "${r.type}" here. Check that you are talking to the right program.`,
  'malformed-frame': (r: { kind: number; length: number }) =>
    `A binary frame of kind ${r.kind} cannot have ${r.length} bytes. Update the program that sent it.`,
  'hello-expected': (r: { seen: string }) => `The first message must be a hello, not "${r.seen}".`,
  'wrong-version': (r: { version: number; expected: number }) =>
    `Wire version ${r.version} is not spoken here, version ${r.expected} is. Update the older program.`,
  'stale-hello': (r: { issuedAt: number; now: number }) =>
    `The hello was issued at ${r.issuedAt}, but it is ${r.now} here. Set the clock; 60 seconds of difference are allowed.`,
  'wrong-peer': (r: { identity: string; expected: string }) =>
    `Identity ${r.identity} answered where ${r.expected} was expected. Do not pay it; check the address.`,
  'wrong-certificate': (r: { seen: string; expected: string }) =>
    `The certificate's fingerprint is ${r.seen}, but ${r.expected} was published. Somebody may be in between.`,
  'malformed-signature': (r: { document: string }) =>
    `The signature of the ${r.document} is not 65 bytes r, low s, v 27 or 28. Sign it again.`,
  'wrong-signer': (r: { document: string; signer: string; expected: string }) =>
    `The ${r.document} is signed by ${r.signer}, not by ${r.expected}. Check key, chain id and contract address.`,
  'peer-refused': (r: { peerCode: string; message: string }) => `${r.message} (${r.peerCode})`,
  unreachable: (r: { url: string; reason: string }) =>
    `${r.url} cannot be reached: ${r.reason}. Check the address and the network.`,
  'peer-silent': (r: { type: string; timeoutMs: number }) =>
    `No answer to "${r.type}" within ${r.timeoutMs} ms. The other side is slow or gone; try again.`,
  'peer-gone': (r: { type: string }) =>
    `The connection closed before "${r.type}" was answered. Connect again.`,
  'too-many-requests': (r: { perSecond: number }) =>
    `More than ${r.perSecond} requests a second from one identity or one network address. Send fewer.`,
  'too-many-under-way': (r: { limit: number }) =>
    `${r.limit} requests of this identity are under way already. Wait for answers before asking more.`,
  'too-many-connections': (r: { limit: number }) =>
    `There are ${r.limit} connections already, in all or from this network address. Close some, or come back later.`,
  'slow-reader': (r: { waitingBytes: number }) =>
    `${r.waitingBytes} bytes wait to be read by this connection, so it was closed. Read what you asked for, and connect again.`,
  // Channels and promises.
  'unknown-channel': (r: { channelId: string }) =>
    `Channel ${r.channelId} is not open, or its deposit is not confirmed yet. Open it, or wait for the confirmations.`,
  'channel-closing': (r: { channelId: string }) =>
    `Channel ${r.channelId} is being closed. Open another channel for new sessions.`,
  'exit-begun': (r: { channelId: string; exitAt: number }) =>
    `The consumer has requested its exit from channel ${r.channelId} (it ends at ${r.exitAt}). Nothing more is guaranteed on it.`,
  'below-accepted': (r: { amount: bigint; accepted: bigint }) =>
    `Promise of ${r.amount} wei, but ${r.accepted} wei is already accepted. Sign the new total, not the difference.`,
  'over-ceiling': (r: { amount: bigint; ceiling: bigint }) =>
    `Promise of ${r.amount} wei, but the guarantee ends at ${r.ceiling} wei. Ask the hub for a higher guarantee.`,
  'no-guarantee': (r: { channelId: string }) =>
    `There is no live guarantee for channel ${r.channelId}. Ask the hub for one first.`,
  'insufficient-collateral': (r: { ceiling: bigint; available: bigint }) =>
    `A ceiling of ${r.ceiling} wei was asked for, but only ${r.available} wei of the channel is free. Top up, or ask for less.`,
  'stale-request': (r: { issuedAt: number; now: number }) =>
    `The request was issued at ${r.issuedAt}, and it is ${r.now}. Requests are good for 60 seconds; sign a new one.`,
  'pool-exhausted': (r: { owed: bigint; pool: bigint }) =>
    `The hub would owe ${r.owed} wei with ${r.pool} wei in its pool. It draws first; clear again in a moment.`,
  'close-delayed': (r: { channelId: string; provider: string; until: number }) =>
    `Provider ${r.provider} holds a guarantee on channel ${r.channelId} until ${r.until} and did not give it up. Close again when it is reachable, or after that.`,
  'chain-unseen': (r: { seconds: number }) =>
    `The hub has not been able to read the chain for ${r.seconds} s and signs nothing meanwhile. Try again in a moment.`,
  'ledger-unavailable': (_: object) =>
    'The hub cannot write its ledger at the moment, and answers nothing that is not on disk. Ask again in a moment: the same request is answered once.',
  'promise-too-low': (r: { total: bigint; expected: bigint }) =>
    `The hub promised ${r.total} wei in total, but ${r.expected} wei is due. Do not rely on this hub; draw on chain.`,
  'unequal-totals': (r: { provider: string; amount: bigint; signed: bigint }) =>
    `The closing state pays ${r.provider} ${r.amount} wei, but ${r.signed} wei was signed. Nothing was closed.`,
  'index-not-ready': (_: object) => 'The offers are still being read from the chain. Ask again in a moment.',
  'uncovered-receipt': (r: { amount: bigint; cleared: bigint }) =>
    `The receipt names ${r.amount} wei, but the provider has cleared ${r.cleared} wei of that channel. Send it again in a few minutes.`,
  'superseded-receipt': (r: { amount: bigint; counted: bigint }) =>
    `The receipt names ${r.amount} wei, and one of ${r.counted} wei, as new or newer, is counted already. Nothing is left to do.`,
  'implausible-receipt': (r: { problem: string }) =>
    `The receipt says ${r.problem}. Sign what the session was.`,
  'unknown-publication': (r: { root: string }) =>
    `There is no publication of liabilities ${r.root}. Ask for the newest, or wait for the first.`,
  'papers-expected': (r: { provider: string }) =>
    `The hub's ledger is being rebuilt. It promises ${r.provider} nothing new before it was shown what ${r.provider} holds of it; update the program if it does not by itself.`,
  'hub-recovering': (r: { until: number }) =>
    `The hub's ledger is being rebuilt: until ${r.until} of the chain's time it neither guarantees nor closes. Use another hub, or try again after that.`,
  // Identities.
  'not-registered': (r: { identity: string; role: string }) =>
    `${r.identity} is not registered as a ${r.role} with the minimum stake. Register it first.`,
  'in-debt': (r: { identity: string; debt: bigint }) =>
    `${r.identity} owes ${r.debt} wei from a promise it did not keep. It is served again once the debt is repaid.`,
  faulted: (r: { identity: string; faults: number }) =>
    `${r.identity} has ${r.faults} fault(s) on chain and is not dealt with. Choose another.`,
  'hub-unsound': (r: { hub: string; problem: string }) =>
    `Hub ${r.hub} is not relied on: ${r.problem}. Choose another hub.`,
  'hub-not-accepted': (r: { hub: string }) =>
    `Hub ${r.hub} is not among the hubs this provider accepts. Open a channel with one of those in its offer.`,
  'hub-unreachable': (r: { hub: string }) =>
    `Hub ${r.hub} does not answer at the moment. Try again, or another hub.`,
  'not-a-party': (r: { identity: string; expected: string }) =>
    `Only ${r.expected} may ask for this, not ${r.identity}. Use the identity that it concerns.`,
  blocked: (r: { identity: string }) =>
    `The operator of this hub does not deal with ${r.identity}. Use another hub.`,
  'hub-leaving': (r: { hub: string }) =>
    `Hub ${r.hub} is being wound down: it guarantees and opens nothing new. Use another hub.`,
  // Sessions.
  'stale-terms': (r: { issuedAt: number; now: number }) =>
    `The terms were issued at ${r.issuedAt}, but it is ${r.now} here. Set the clock; 60 seconds of difference are allowed.`,
  'terms-differ': (r: { field: string; seen: string; expected: string }) =>
    `The terms say ${r.field} ${r.seen}, but the offer on chain says ${r.expected}. Choose another provider.`,
  'price-too-high': (r: { price: bigint; limit: bigint }) =>
    `The price is ${r.price} wei per megabyte, above your limit of ${r.limit}. Raise --max-price, or choose another provider.`,
  'hour-too-dear': (r: { price: bigint; limit: bigint }) =>
    `The price is ${r.price} wei per hour, above your limit of ${r.limit}. Raise --max-price, or choose another provider.`,
  'no-terms': (r: { channelId: string }) =>
    `No terms were agreed for channel ${r.channelId}. Ask for terms first.`,
  'unknown-session': (r: { session: string }) =>
    `There is no session "${r.session}". It has ended; open a new one.`,
  'session-running': (r: { channelId: string }) =>
    `A session on channel ${r.channelId} is running already. End it, or use another channel.`,
  'sessions-full': (r: { limit: number }) =>
    `All ${r.limit} places are taken. Try again later, or choose another provider.`,
  'payment-overdue': (r: { owed: bigint; paid: bigint; graceSeconds: number }) =>
    `${r.owed} wei is owed and ${r.paid} wei promised for longer than ${r.graceSeconds} s. The session ends; pay and open a new one.`,
  'counts-differ': (r: { provider: bigint; consumer: bigint }) =>
    `The provider counted ${r.provider} bytes, the consumer paid for ${r.consumer}. That is more than loss explains; the session ends.`,
  'session-abandoned': (r: { seconds: number }) =>
    `No connection of the session was left for ${r.seconds} s, so it was ended. Open a new one.`,
  kicked: (_: object) =>
    'The provider ended the session on purpose. What was paid stays paid; choose another.',
  'not-admitted': (r: { identity: string }) =>
    `This provider does not serve ${r.identity}. Choose another provider.`,
  'stake-too-low': (r: { stake: bigint; minimum: bigint }) =>
    `${r.stake} wei is staked, this provider serves from ${r.minimum} wei on. Stake more, or choose another.`,
  'too-young': (r: { ageSeconds: number; minimumSeconds: number }) =>
    `This identity is ${r.ageSeconds} s old on chain, this provider serves from ${r.minimumSeconds} s on. Wait, or choose another.`,
  'provider-stopping': (_: object) =>
    'The provider is shutting down, or not ready yet; what was paid stays paid. Choose another, or come back later.',
  // Relaying.
  'relay-fee-too-low': (r: { fee: bigint; quoted: bigint }) =>
    `A relay fee of ${r.fee} wei was signed, ${r.quoted} wei is asked. Ask for the present fee and sign again.`,
  'relay-failed': (r: { reason: string }) => `The chain would refuse this: ${r.reason}. Nothing was sent.`,
  'relay-limit': (r: { perDay: number }) =>
    `This hub relays ${r.perDay} transactions a day and has reached them. Try another hub, or send it yourself.`,
} satisfies Record<string, (refusal: never) => string>

type Explanations = typeof explanations
export type RefusalCode = keyof Explanations

/** A refusal with what its sentence needs. */
export type Refusal = {
  [Code in RefusalCode]: { readonly code: Code } & Readonly<Parameters<Explanations[Code]>[0]>
}[RefusalCode]

/** Every code there is, for docs/errors.md. */
export const refusalCodes = Object.keys(explanations) as RefusalCode[]

/** The sentence for a person. */
export const explain = (refusal: Refusal): string =>
  (explanations[refusal.code] as (refusal: Refusal) => string)(refusal)

/** A refused verdict. */
export interface Refused {
  readonly ok: false
  readonly refusal: Refusal
}

/** Either what was asked for, or why not. */
export type Verdict<Accepted extends object = object> = (Accepted & { readonly ok: true }) | Refused

export const refuse = (refusal: Refusal): Refused => ({ ok: false, refusal })
