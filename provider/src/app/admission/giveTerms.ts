import {
  bytesPerMegabyte,
  channelIdOf,
  type Document,
  judgeParty,
  owedFor,
  type Params,
  priceFields,
  type Result,
  refuse,
  unixSeconds,
  type Verdict,
  wei,
} from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import { judgeName } from '../../core/accessPolicy.js'
import { nextCredit } from '../../core/credit.js'
import type { Components } from '../components.js'
import type { AdmissionContext } from './admissionContext.js'
import { endAbandoned } from './endAbandoned.js'

/** How long the price of terms holds, in seconds. */
const termsHoldSeconds = 86_400

/** Answers `terms`: what is free to decide is decided first, and nothing is signed for a stranger. */
export function createGiveTerms(components: Components, context: AdmissionContext) {
  const { identity, typedData, clock, chain, promises, sessions: history } = components
  const { settings, sessions, lines, standings, openTerms, hubs } = context

  return async (params: Params<'terms'>, link: Link): Promise<Verdict<{ value: Result<'terms'> }>> => {
    const { channel } = params
    const asked = judgeParty(link.peer, channel.consumer)
    if (!asked.ok) return asked
    const named = judgeName(link.peer, settings.access)
    if (!named.ok) return named
    if (!hubs.has(channel.hub)) return refuse({ code: 'hub-not-accepted', hub: channel.hub })
    const suspicion = context.suspicion(channel.hub)
    if (suspicion !== undefined) return refuse({ code: 'hub-unsound', hub: channel.hub, problem: suspicion })
    const registered = await standings.judge(link.peer)
    if (!registered.ok) return registered
    const channelId = channelIdOf(chain.deployment, channel)
    if (lines.get(channelId)?.released) return refuse({ code: 'channel-closing', channelId })
    await endAbandoned(context, channelId)
    const price = context.price()
    const credit = nextCredit(
      history.creditHistory(link.peer),
      registered.stake,
      settings.creditBytes,
      price,
      sessions.creditOf(link.peer),
    )
    const now = clock.now()
    const document: Document<'SessionTerms'> = {
      provider: identity.address,
      consumer: link.peer,
      channelId,
      ...priceFields(price),
      // Zero asks its consumer to pay ahead.
      creditBytes: credit.atFirst === 0n ? credit.atFirst : credit.atMost,
      issuedAt: now,
      validUntil: unixSeconds(now + termsHoldSeconds),
    }
    const terms = typedData.signed('SessionTerms', document, identity.privateKey)
    openTerms.keep(terms)
    const held = promises.channel(channelId)?.promise
    const ceiling = owedFor(settings.ceilingBytes, 0n, price)
    return {
      ok: true,
      value: {
        terms,
        lastPromise: held
          ? { channelId, provider: identity.address, amount: held.amount, signature: held.signature }
          : null,
        ceiling: ceiling > 0n ? ceiling : wei(bytesPerMegabyte),
      },
    }
  }
}
