import { setTimeout as delay } from 'node:timers/promises'
import { explain, type Wei, wei } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import { raisedCeiling, whatIsGuaranteed } from '../../core/cap.js'
import { freeAfter, type PastSession } from '../../core/heldBack.js'
import type { PayableChannel } from '../../core/hubs.js'
import type { Left } from '../../core/limits.js'
import type { Guaranteed, Session } from '../../core/session.js'
import type { Journal } from '../../io/home/journal.js'
import { readFree } from '../channel/payableHubs.js'
import type { Context } from '../context.js'
import { judgeGuarantee } from './agree.js'

/** What a guarantee that is nearly used up is raised by. */
export interface RaiseTerms {
  /** `free` as it was when the session began, towards this provider. */
  readonly channel: PayableChannel
  readonly provider: PastSession['provider']
  /** By how much: what the provider suggested at first. */
  readonly step: Wei
  /** The user's limits for this session. */
  readonly left: Left
  /** Sessions of this connect that are over: what they keep tied up. */
  readonly past: readonly PastSession[]
}

/**
 * Asks the hub, through the provider, to stand behind more while a session runs: as far as channel and budget allow.
 *
 * @param link - To the provider; undefined while it is out of reach.
 * @returns The larger guarantee and what it allows, or why there is none.
 */
export async function raiseGuarantee(
  context: Context,
  journal: Journal,
  link: Link | undefined,
  session: Pick<Session, 'base' | 'promised' | 'ceiling' | 'price'>,
  terms: RaiseTerms,
): Promise<Guaranteed | { readonly because: string }> {
  const { identity, typedData, clock } = context
  const { channel, provider, step, left } = terms
  const { channelId, hub, nonce } = channel
  if (link === undefined) return { because: 'The provider cannot be reached.' }
  const to = (most: Wei) =>
    raisedCeiling({ base: session.base, ceiling: session.ceiling, step, budget: left.budget, most })
  // What was free at the beginning needs no question: where traffic is held back already, the chain is out of reach.
  const known = to(wei(session.base + channel.free))
  const wanted = known > session.ceiling ? known : to(await maxNow(context, journal, session, terms))
  if (wanted <= session.ceiling)
    return {
      because: `All that channel ${channelId} holds is guaranteed already. Add to it with "pontage channel top-up".`,
    }
  const parties = { consumer: identity.address, hub, nonce }
  const request = { channelId, provider, ceiling: wanted, issuedAt: clock.now() }
  const guaranteeRequest = typedData.signed('GuaranteeRequest', request, identity.privateKey)
  const answer = await link.request('raise', { channel: parties, guaranteeRequest }, raiseTimeoutMs)
  if (!answer.ok) return { because: explain(answer.refusal) }
  const { guarantee } = answer.value
  const signed = typedData.check('Guarantee', guarantee, hub)
  const verdict = signed.ok ? judgeGuarantee(guarantee, { channelId, provider }) : signed
  if (!verdict.ok) return { because: explain(verdict.refusal) }
  const ceiling = wei(guarantee.ceiling < wanted ? guarantee.ceiling : wanted)
  return ceiling > session.ceiling
    ? whatIsGuaranteed({ base: session.base, ceiling, left, price: session.price })
    : { because: 'The hub guarantees no more.' }
}

/** What the channel can stand for by now: somebody may have added to it. As far as is known, where the chain is silent. */
async function maxNow(
  context: Context,
  journal: Journal,
  { promised, ceiling }: Pick<Session, 'promised' | 'ceiling'>,
  { channel, provider, past }: RaiseTerms,
): Promise<Wei> {
  const asked = readFree(context, journal.trail(), channel).catch(() => undefined)
  const free = await Promise.race([asked, delay(chainPatienceMs, undefined, { ref: false })])
  if (free === undefined) return ceiling
  const others = past.filter((each) => each.provider !== provider)
  return wei(promised + freeAfter(free, channel.channelId, provider, others))
}

const chainPatienceMs = 3_000
/** The provider asks the hub, and the hub the chain, before it answers. */
const raiseTimeoutMs = 30_000
