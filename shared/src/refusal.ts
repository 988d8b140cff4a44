import { countOf } from './quantity.js'

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
    `The other side speaks wire version ${r.version}, but this side speaks version ${r.expected}. Update the older program.`,
  'stale-hello': (r: { issuedAt: number; now: number }) =>
    `Your clock is ${clockGap(r.issuedAt - r.now)} the other side’s. Set it, for instance with timedatectl set-ntp true; a difference of up to 60 seconds is allowed.`,
  'wrong-peer': (r: { identity: string; expected: string }) =>
    `Identity ${r.identity} answered where ${r.expected} was expected. Do not pay it; check the address.`,
  'wrong-certificate': (r: { seen: string; expected: string }) =>
    `The certificate's fingerprint is ${r.seen}, but ${r.expected} was published. There may be a man in the middle.`,
  'malformed-signature': (r: { document: string }) =>
    `The signature of the ${r.document} is not 65 bytes with r, a low s, and v of 27 or 28. Sign it again.`,
  'wrong-signer': (r: { document: string; signer: string; expected: string }) =>
    `The ${r.document} is signed by ${r.signer}, not by ${r.expected}. Check key, chain id and contract address.`,
  'wrong-stamp': (r: { channelId: string; amount: bigint }) =>
    `The stamp on the promise of ${r.amount} wei for channel ${r.channelId} is not this hub’s. Show each promise as it was cleared, with the stamp that came back.`,
  'peer-refused': (r: { peerCode: string; message: string }) => `${r.message} (${r.peerCode})`,
  unreachable: (r: { url: string; reason: string }) =>
    `${r.url} cannot be reached: ${r.reason}. Check the address and the network.`,
  'peer-silent': (r: { type: string; timeoutMs: number }) =>
    `No answer to "${r.type}" within ${r.timeoutMs} ms. The other side is slow or gone; try again.`,
  'peer-gone': (r: { type: string }) =>
    `The connection closed before "${r.type}" was answered. Connect again.`,
  'too-many-requests': (r: { perSecond: number }) =>
    `There were more than ${r.perSecond} requests per second from one identity or one network address. Send fewer.`,
  'too-many-under-way': (r: { limit: number }) =>
    `This identity already has ${r.limit} unanswered requests. Wait for answers before sending more.`,
  'too-many-connections': (r: { limit: number }) =>
    `There are already ${r.limit} connections, in total or from this network address. Close some, or come back later.`,
  'slow-reader': (r: { waitingBytes: number }) =>
    `The connection was closed because it left ${r.waitingBytes} bytes unread. Read what you asked for, and connect again.`,
  // Channels and promises.
  'unknown-channel': (r: { channelId: string }) =>
    `Channel ${r.channelId} is not open, or its deposit is not confirmed yet. Open it, or wait for the confirmations.`,
  'channel-closing': (r: { channelId: string }) =>
    `Channel ${r.channelId} is being closed. Open another channel for new sessions.`,
  'exit-begun': (r: { channelId: string; exitAt: number }) =>
    `The consumer has requested its exit from channel ${r.channelId} (it ends at ${r.exitAt}). Nothing more is guaranteed on it.`,
  'below-accepted': (r: { amount: bigint; accepted: bigint }) =>
    `The promise is for ${r.amount} wei, but ${r.accepted} wei is already accepted. Sign the new total, not the difference.`,
  'over-ceiling': (r: { amount: bigint; ceiling: bigint }) =>
    `The promise is for ${r.amount} wei, but the guarantee covers ${r.ceiling} wei. Ask the hub for a higher guarantee.`,
  'no-guarantee': (r: { channelId: string }) =>
    `There is no live guarantee for channel ${r.channelId}. Ask the hub for one first.`,
  'insufficient-collateral': (r: { ceiling: bigint; available: bigint }) =>
    `A ceiling of ${r.ceiling} wei was requested, but only ${r.available} wei of the channel is free. Top up, or ask for less.`,
  'too-many-guarantees': (r: { channelId: string; provider: string; limit: number }) =>
    `${r.limit} guarantees for provider ${r.provider} live on channel ${r.channelId} already, none of which covers another. Ask for a higher ceiling, or when one has ended.`,
  'stale-request': (r: { issuedAt: number; now: number }) =>
    `The request was issued at ${r.issuedAt}, and it is ${r.now} now. Requests are valid for 60 seconds; sign a new one.`,
  'pool-exhausted': (r: { owed: bigint; pool: bigint }) =>
    `The hub would owe ${r.owed} wei, with ${r.pool} wei in its pool. It draws first; clear again in a moment.`,
  'close-delayed': (r: { channelId: string; provider: string; until: number }) =>
    `Provider ${r.provider} holds a guarantee on channel ${r.channelId} until ${r.until} and has not released it. Close again when the provider is reachable, or after that time.`,
  'chain-unseen': (r: { seconds: number }) =>
    `The newest block that can be read was made ${r.seconds} s away from the present time, too far to sign anything on it. Try again in a moment.`,
  'ledger-unavailable': (_: object) =>
    'The hub cannot write its ledger at the moment, and answers nothing that is not on disk. Ask again in a moment: the same request counts once.',
  'promise-too-low': (r: { total: bigint; expected: bigint }) =>
    `The hub promised ${r.total} wei in total, but ${r.expected} wei is due. Do not rely on this hub; draw on chain.`,
  'unequal-totals': (r: { provider: string; amount: bigint; signed: bigint }) =>
    `The closing state pays ${r.provider} ${r.amount} wei, but ${r.signed} wei was signed. The channel was not closed; ask the hub again, or exit alone.`,
  'index-not-ready': (_: object) => 'The offers are still being read from the chain. Ask again in a moment.',
  'uncovered-receipt': (r: { amount: bigint; cleared: bigint }) =>
    `The receipt is for ${r.amount} wei, but the provider has cleared ${r.cleared} wei on that channel. Send it again in a few minutes.`,
  'superseded-receipt': (r: { amount: bigint; counted: bigint }) =>
    `The receipt is for ${r.amount} wei, and one for ${r.counted} wei, at least as new, is already counted. There is nothing left to do.`,
  'implausible-receipt': (r: { problem: string }) =>
    `The receipt says ${r.problem}. Sign one that matches the session.`,
  'unknown-publication': (r: { root: string }) =>
    `There is no publication of liabilities with root ${r.root}. Ask for the newest, or wait for the first.`,
  'holdings-expected': (r: { provider: string }) =>
    `The hub's ledger is being rebuilt. It promises ${r.provider} nothing new until it has been shown what ${r.provider} holds. A provider does that by itself when it connects; if it does not, update it.`,
  'hub-recovering': (r: { until: number }) =>
    `The hub's ledger is being rebuilt: until ${r.until} (chain time) it neither guarantees nor closes. Use another hub, or try again after that.`,
  // Identities.
  'not-registered': (r: { identity: string; role: string }) =>
    `${r.identity} is not registered as a ${r.role} with the minimum stake. Register it first.`,
  'in-debt': (r: { identity: string; debt: bigint }) =>
    `${r.identity} owes ${r.debt} wei for a promise it did not keep. It is served again once the debt is repaid.`,
  faulted: (r: { identity: string; faults: number }) =>
    `${r.identity} has ${countOf(r.faults, 'fault')} on chain, so it is not used. Choose another.`,
  'hub-unsound': (r: { hub: string; problem: string }) =>
    `Hub ${r.hub} is not trusted: ${r.problem}. Choose another hub.`,
  'hub-not-accepted': (r: { hub: string }) =>
    `Hub ${r.hub} is not among the hubs this provider accepts. Open a channel with one of those in its offer.`,
  'hub-unreachable': (r: { hub: string }) =>
    `Hub ${r.hub} does not answer at the moment. Try again, or use another hub.`,
  'not-a-party': (r: { identity: string; expected: string }) =>
    `Only ${r.expected} may request this, not ${r.identity}. Use the identity that it concerns.`,
  blocked: (r: { identity: string }) =>
    `The operator of this hub does not deal with ${r.identity}. Use another hub.`,
  'hub-leaving': (r: { hub: string }) =>
    `Hub ${r.hub} is winding down: it guarantees and opens nothing new. Use another hub.`,
  // Sessions.
  'stale-terms': (r: { issuedAt: number; now: number }) =>
    `The provider’s clock is ${clockGap(r.issuedAt - r.now)} yours, by the terms that it gave. Set the one that is wrong; a difference of up to 60 seconds is allowed.`,
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
    `A session on channel ${r.channelId} is already running. End it, or use another channel.`,
  'sessions-full': (r: { limit: number }) =>
    `All ${r.limit} places are taken. Try again later, or choose another provider.`,
  'payment-overdue': (r: { owed: bigint; promised: bigint; graceSeconds: number }) =>
    `For longer than ${r.graceSeconds} s, ${r.owed} wei was owed but only ${r.promised} wei promised. The session ends; pay and open a new one.`,
  'counts-differ': (r: { provider: bigint; consumer: bigint }) =>
    `The provider counted ${r.provider} bytes, and the consumer paid for ${r.consumer} bytes. Packet loss does not explain the difference; the session ends.`,
  'session-abandoned': (r: { seconds: number }) =>
    `The session had no connection for ${r.seconds} s, so it was ended. Open a new one.`,
  kicked: (_: object) =>
    'The provider ended the session deliberately. What was paid stays paid; choose another provider.',
  'not-admitted': (r: { identity: string }) =>
    `This provider does not serve ${r.identity}. Choose another provider.`,
  'not-invited': (r: { problem: string }) =>
    `This invitation does not let you in: ${r.problem}. Ask the provider for another.`,
  'stake-too-low': (r: { stake: bigint; minimum: bigint }) =>
    `The stake is ${r.stake} wei, but this provider requires ${r.minimum} wei. Add to the stake, or choose another provider.`,
  'too-young': (r: { ageSeconds: number; minimumSeconds: number }) =>
    `This identity was registered ${r.ageSeconds} s ago, but this provider requires ${r.minimumSeconds} s. Wait, or choose another provider.`,
  'provider-stopping': (_: object) =>
    'The provider is shutting down, or is not ready yet; what was paid stays paid. Choose another provider, or come back later.',
  // Relaying.
  'relay-fee-too-low': (r: { fee: bigint; quoted: bigint }) =>
    `A relay fee of ${r.fee} wei was signed, but ${r.quoted} wei is required. Ask for the current fee and sign again.`,
  'relay-failed': (r: { reason: string }) => `The chain would refuse this: ${r.reason}. Nothing was sent.`,
  'exit-not-relayed': (r: { channelId: string }) =>
    `This hub did not relay the exit request of channel ${r.channelId}, so nobody would pay it for ending the channel. Ask the hub that did, or send the transaction yourself.`,
  'relay-under-way': (r: { identity: string }) =>
    `Another transaction of ${r.identity} is being relayed. Ask again once it is in a block.`,
  'relay-limit': (r: { perDay: number }) =>
    `This hub relays ${r.perDay} transactions per day and has reached that limit. Use another hub, or send it yourself.`,
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

/** `2 days ahead of`, `90 seconds behind`: how far one clock is from another. */
function clockGap(seconds: number): string {
  const size = Math.abs(seconds)
  const [unit, each] =
    size >= 172_800
      ? (['days', 86_400] as const)
      : size >= 7_200
        ? (['hours', 3_600] as const)
        : size >= 120
          ? (['minutes', 60] as const)
          : (['seconds', 1] as const)
  return `${Math.floor(size / each)} ${unit} ${seconds > 0 ? 'ahead of' : 'behind'}`
}
