import { randomUUID } from 'node:crypto'
import {
  type Address,
  type Bytes,
  type Price,
  priceOf,
  type Result,
  refuse,
  smaller,
  type Verdict,
  type Wei,
  wei,
} from '@pontage/shared'
import {
  createKemKeys,
  type Link,
  UserError,
  type WireguardKeyPair,
  wireguardKeyToHex,
} from '@pontage/shared/node'
import { byteLimit, ceilingToRequest, whatIsGuaranteed } from '../../core/cap.js'
import type { Offer } from '../../core/choose.js'
import type { PayableChannel } from '../../core/hubs.js'
import type { Left, Limits } from '../../core/limits.js'
import type { Network } from '../../core/network.js'
import type { Guaranteed } from '../../core/session.js'
import { judgeTerms } from '../../core/terms.js'
import { whyNotTunnel } from '../../core/tunnelOffer.js'
import type { Journal } from '../../io/home/journal.js'
import { learnTotals, refuseContested } from '../channel/recoverTotals.js'
import { type Context, unwrap } from '../context.js'

/** What provider and consumer agreed on before the first packet. */
export interface Agreement {
  /** The provider's name of the session. */
  readonly session: string
  /** Our own, by which the journal counts what flows: of two of one name, one would flow past the limits of a month. */
  readonly countedAs: string
  /** With the whole pre-shared key. */
  readonly tunnel: Result<'open'>['tunnel']
  /** Whether that key has a half that a quantum computer does not read from what was recorded. */
  readonly postQuantum: boolean
  /** Whether the provider knows that the tunnel is another machine's. */
  readonly isLent: boolean
  readonly price: Price
  /** Total promised before. */
  readonly base: Wei
  readonly credit: Bytes
  /** What the provider would like to be guaranteed at a time. */
  readonly suggested: Wei
  /** What the hub stands behind, and what that allows. */
  readonly guaranteed: Guaranteed
}

/**
 * Asks for terms, checks them against the chain and the user's limits, and opens the session with a request
 * for a guarantee that the provider takes to the hub.
 *
 * @throws UserError with the sentence of whoever refused.
 */
export async function agree(
  context: Context,
  journal: Journal,
  link: Link,
  wanted: Wanted,
): Promise<Agreement> {
  const first = await ask(context, journal, link, wanted)
  // A lost session of ours gave way to this one, and what it owes now counts: the provider has other terms for us.
  const haveChanged =
    !first.ok && first.refusal.code === 'peer-refused' && first.refusal.peerCode === 'no-terms'
  return unwrap(haveChanged ? await ask(context, journal, link, wanted) : first)
}

/** What a tunnel for another machine is asked for with. */
interface Lend {
  readonly addresses: { readonly address4: string; readonly address6: string } | undefined
  /** 64 bytes that the session's half of the pre-shared key is made of, the same each time. */
  readonly seed: Uint8Array
}

interface Wanted {
  readonly offer: Offer
  readonly channel: PayableChannel
  readonly left: Left
  readonly maxPrice: Limits['maxPrice']
  readonly keys: Pick<WireguardKeyPair, 'publicKey'>
  /** For another machine: what it was told before, and what its keys are made of. */
  readonly lend?: Lend
  /** What this machine is part of: a tunnel's gateway lies in none of them. */
  readonly networks: readonly Network[]
}

/** @returns What was agreed, or why the provider does not open the session on the terms that it just gave. */
async function ask(
  context: Context,
  journal: Journal,
  link: Link,
  wanted: Wanted,
): Promise<Verdict<Agreement>> {
  const { typedData, identity, clock } = context
  const { offer, channel, left, maxPrice, keys, networks } = wanted
  const { channelId, hub, nonce } = channel
  const provider = offer.proposal.provider
  refuseContested(journal, channelId)
  const parties = { consumer: identity.address, hub, nonce }

  const {
    terms,
    lastPromise,
    ceiling: suggested,
  } = unwrap(await link.request('terms', { channel: parties })).value
  unwrap(typedData.check('SessionTerms', terms, provider))
  const limits = { provider, consumer: identity.address, channelId, price: offer.price, maxPrice }
  unwrap(judgeTerms(terms, { ...limits, now: clock.now() }))
  if (lastPromise !== null)
    await learnTotals(context, journal, { channelId, shownBy: `Provider ${provider}` }, [lastPromise])

  const price = priceOf(terms)
  const base = journal.trail().total(channelId, provider)
  const asked = ceilingToRequest({ ...left, price, suggested, free: channel.free })
  const request = { channelId, provider, ceiling: wei(base + asked), issuedAt: clock.now() }
  const { lend } = wanted
  const kem = await createKemKeys(undefined, lend?.seed)
  const answer = await link.request(
    'open',
    {
      channel: parties,
      wireguardKey: wireguardKeyToHex(keys.publicKey),
      encapsulationKey: kem.encapsulationKey,
      guaranteeRequest: typedData.signed('GuaranteeRequest', request, identity.privateKey),
      ...(lend && {
        lend: { ...lend.addresses, limit: byteLimit(left.cap, left.budget ?? request.ceiling, price) },
      }),
    },
    openTimeoutMs,
  )
  if (!answer.ok) return answer
  const { session, guarantee, tunnel } = answer.value
  unwrap(typedData.check('Guarantee', guarantee, hub))
  unwrap(judgeGuarantee(guarantee, { channelId, provider }))
  const problem = whyNotTunnel(tunnel, networks)
  if (problem !== undefined)
    throw new UserError(`The provider's tunnel is refused: ${problem}. Choose another provider.`)
  const ceiling = smaller(guarantee.ceiling, request.ceiling)
  return {
    ok: true,
    ...{ session, countedAs: randomUUID(), price, base, suggested },
    tunnel: { ...tunnel, presharedKey: kem.keyOf(tunnel) },
    postQuantum: tunnel.ciphertext !== undefined,
    isLent: answer.value.lent === true,
    credit: terms.creditBytes,
    guaranteed: whatIsGuaranteed({ base, ceiling, left, price }),
  }
}

/** The provider asks the hub, and the hub the chain, before it answers. */
const openTimeoutMs = 30_000

/** Whether a guarantee is for this channel and provider. */
export function judgeGuarantee(
  guarantee: { channelId: string; provider: Address },
  party: { channelId: string; provider: Address },
): Verdict {
  return guarantee.channelId === party.channelId && guarantee.provider === party.provider
    ? { ok: true }
    : refuse({ code: 'no-guarantee', channelId: party.channelId })
}
