import {
  type Address,
  type Hex,
  type UnixSeconds,
  unixSeconds,
  type Verdict,
  type Wei,
  wei,
} from '@pontage/shared'
import {
  inTokens,
  type Link,
  readStanding,
  type Sent,
  type SignedPermit,
  signPermit,
  UserError,
} from '@pontage/shared/node'
import { readChannels } from '../../io/chain/channelReader.js'
import { awaitConfirmed } from '../../io/home/confirmation.js'
import { type Context, unwrap } from '../context.js'
import { acceptableFee } from './hubLink.js'
import { askRelayers, type RelayerName, relayersFor } from './relayers.js'

/** Who sends what costs gas, where there is no coin for it, and for how much at most. */
export interface RelayWishes {
  /** Address or url of a hub; one is looked for when left out. */
  readonly relayer?: string | undefined
  readonly maxRelayFee: Wei
}

/** A transaction that is in a block, and who sent it. */
export interface SentFor {
  readonly transaction: Hex
  readonly relayFee: Wei
  /** Null when it was sent with own gas. */
  readonly relayedBy: Address | null
}

/** What every document that a hub relays carries besides its own fields. */
export interface RelayTerms {
  readonly relayFee: Wei
  readonly nonce: bigint
  readonly deadline: UnixSeconds
}

/** One document to be relayed. */
export interface RelayRequest {
  readonly kind: 'register' | 'deposit' | 'repay' | 'unbond' | 'withdraw' | 'collect'
  /** In words, for whoever reads what the fee is for. */
  readonly name: string
  /** Tokens it takes besides the fee; undefined where the fee comes out of what is paid. */
  readonly spends: Wei | undefined
  /** Whose turn comes first: the hub of the channel it is about, where there is one. */
  readonly hub?: Address
  /** Where its nonce is not the registry’s next. */
  readonly nonce?: bigint
  ask(link: Link, terms: RelayTerms, permit: SignedPermit): Promise<Verdict<{ value: { transaction: Hex } }>>
}

/** How something is sent: what is signed for a nonce of the registry takes effect once at most. */
export type Way = { readonly by: 'own' } | { readonly by: 'hub'; readonly nonce: bigint }

/** Seconds that what is signed stays good. */
const validSeconds = 1_800
/** Milliseconds that a hub may take to have it in a block. */
export const relayTimeoutMs = 180_000
/** Gas of any transaction of a consumer. */
const enoughGas = 400_000n

/**
 * Sends with own gas where there is coin for it, else through a hub, for a fee in tokens that is part of what is signed.
 * Whatever hubs say of it, it takes effect once at most: all are given the same nonce.
 *
 * @param given - Found out where it is left out.
 * @throws UserError when nobody sends it.
 */
export async function sendOrRelay(
  context: Context,
  wishes: RelayWishes,
  own: () => Promise<Pick<Sent, 'transaction'>>,
  request: RelayRequest,
  given?: Way,
): Promise<SentFor> {
  const way = given ?? (await wayNow(context))
  if (way.by === 'own') return { transaction: (await own()).transaction, relayFee: wei(0n), relayedBy: null }
  const hub = request.hub ?? (await hubOfNewestChannel(context))
  const relayers = await relayersFor(context, hub, wishes.relayer)
  return relay(context, relayers, wishes, { nonce: way.nonce, ...request })
}

/** How it would be sent now. */
export async function wayNow(context: Context): Promise<Way> {
  if (await hasCoin(context)) return { by: 'own' }
  return { by: 'hub', nonce: (await readStanding(context.chain, context.identity.address)).nonce }
}

/** Has one of them send it. @throws UserError when nobody does */
export async function relay(
  context: Context,
  relayers: readonly RelayerName[],
  { maxRelayFee }: RelayWishes,
  request: RelayRequest & { readonly nonce: bigint },
): Promise<SentFor> {
  const { chain, identity, clock } = context
  const shown = (amount: Wei) => inTokens(chain, amount)
  let isSigned = false
  const answer = await askRelayers(context, relayers, async (link) => {
    const { relayFees } = unwrap(await link.request('describe', {})).value
    const relayFee = acceptableFee(request.name, relayFees[request.kind], maxRelayFee, shown)
    const needed = request.spends === undefined ? wei(0n) : wei(request.spends + relayFee)
    const balance = wei(await chain.token.balanceOf(identity.address))
    if (balance < needed)
      throw new UserError(
        `${shown(needed)} are needed, the fee of ${shown(relayFee)} included, but ${identity.address} has ${shown(balance)}. Send it the rest.`,
      )
    const deadline = unixSeconds(Math.max(clock.now(), (await chain.head()).at) + validSeconds)
    const { nonce } = request
    const permit = await signPermit(chain, identity, chain.deployment.registry, needed, deadline)
    isSigned = true
    const asked = await request.ask(link, { relayFee, nonce, deadline }, permit)
    return asked.ok ? { ok: true, transaction: asked.value.transaction, relayFee } : asked
  })
  if (!('done' in answer)) {
    const mayCome = isSigned
      ? ` What was signed stays good for ${validSeconds / 60} minutes, and may have been sent all the same: look at "pontage account" before you try again.`
      : ''
    throw new UserError(
      `No hub sent the ${request.name} (${answer.reasons.join(' ')})${mayCome} Choose another hub with --relayer, or send some of the chain’s coin to ${identity.address}.`,
    )
  }
  const { transaction, relayFee } = answer.done
  await awaitConfirmed(chain, transaction)
  return { transaction, relayFee, relayedBy: answer.by }
}

/** Whether there is coin for a transaction: a stranger may have sent a little. */
async function hasCoin({ chain, identity }: Context): Promise<boolean> {
  const [balance, { gasPrice, maxFeePerGas }] = await Promise.all([
    chain.rpc.getBalance(identity.address),
    chain.rpc.getFeeData(),
  ])
  return balance > 0n && balance >= enoughGas * (gasPrice ?? maxFeePerGas ?? 0n)
}

async function hubOfNewestChannel({ home, chain, identity }: Context): Promise<Address | undefined> {
  return (await readChannels(home, chain, identity.address)).at(-1)?.hub
}
