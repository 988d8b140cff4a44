import { randomBytes } from 'node:crypto'
import {
  type Address,
  bytesPerMegabyte,
  channelIdOf,
  type Document,
  freshnessSeconds,
  type Hex,
  owedFor,
  type Params,
  type Price,
  priceFields,
  priceOf,
  type Result,
  refuse,
  type Signed,
  unixSeconds,
  type Verdict,
  wei,
} from '@pontage/shared'
import { judgeHead, type Link, wireguardKeyFromHex } from '@pontage/shared/node'
import { judgeName, judgeStanding } from '../../core/accessPolicy.js'
import type { AddressPool } from '../../core/addressPool.js'
import { judgeGuarantee } from '../../core/guarantee.js'
import { judgeHub } from '../../core/hubTrust.js'
import { isActive, readChannel, readHub, readStanding } from '../../io/chain/chainViews.js'
import type { HubLink } from '../../io/link/hubLink.js'
import type { Parts } from '../components.js'
import type { Sessions } from '../metering/sessions.js'
import type { CreditLines } from '../promises/creditLines.js'
import type { Settings } from '../settings.js'

/** How long terms may wait to be taken up, and how long their price holds. */
const openWithinSeconds = 600
const termsHoldSeconds = 86_400

/** What admission needs besides the parts. */
export interface AdmissionDesk {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly lines: CreditLines
  readonly pool: AddressPool
  readonly hubs: ReadonlyMap<string, HubLink>
  /** What a hub did that makes it unreliable, whatever the chain says of it. */
  readonly suspicion: (hub: Address) => string | undefined
  /** WireGuard's public key, in hexadecimal, and the port of the payment socket inside the tunnel. */
  readonly wireguardKey: Hex
  readonly paymentPort: number
  /** The largest packet that the tunnels take. */
  readonly tunnelMtu: number
  /** UDP port for the tunnels as it is reached from outside. */
  readonly udpPort: () => number
  /** Whether a resolver stands behind the gateway. */
  readonly dns: readonly string[]
  readonly maxGuaranteeSeconds: number
  /** Prices in force on chain: terms are never dearer. */
  readonly price: () => Price
  readonly nextKey: () => number
}

/** Answers `terms` and `open`. */
export function createAdmission(parts: Parts, desk: AdmissionDesk) {
  const { identity, typedData, clock, chain, promises, log } = parts
  const { settings, sessions, lines, pool, hubs } = desk
  const offered = new Map<Hex, Signed<'SessionTerms'>>()

  function terms(params: Params<'terms'>, link: Link): Verdict<{ value: Result<'terms'> }> {
    const { channel } = params
    const channelId = channelIdOf({ ...channel, chainId: chain.deployment.chainId })
    if (link.peer !== channel.consumer)
      return refuse({ code: 'wrong-peer', identity: link.peer, expected: channel.consumer })
    const named = judgeName(link.peer, settings.access)
    if (!named.ok) return named
    if (!hubs.has(channel.hub)) return refuse({ code: 'hub-not-accepted', hub: channel.hub })
    const suspicion = desk.suspicion(channel.hub)
    if (suspicion !== undefined) return refuse({ code: 'hub-unsound', hub: channel.hub, problem: suspicion })
    if (lines.get(channelId)?.released) return refuse({ code: 'channel-closing', channelId })
    const now = clock.now()
    for (const [id, { issuedAt }] of offered) if (issuedAt + openWithinSeconds < now) offered.delete(id)
    const price = desk.price()
    const document: Document<'SessionTerms'> = {
      provider: identity.address,
      consumer: link.peer,
      channelId,
      ...priceFields(price),
      creditBytes: settings.creditBytes,
      issuedAt: now,
      validUntil: unixSeconds(now + termsHoldSeconds),
    }
    const signed = typedData.signed('SessionTerms', document, identity.privateKey)
    offered.set(channelId, signed)
    const held = promises.channel(channelId)?.promise
    const ceiling = owedFor(settings.ceilingBytes, 0n, priceOf(signed))
    return {
      ok: true,
      value: {
        terms: signed,
        lastPromise: held
          ? { channelId, provider: identity.address, amount: held.amount, signature: held.signature }
          : null,
        ceiling: ceiling > 0n ? ceiling : wei(bytesPerMegabyte),
      },
    }
  }

  async function open(params: Params<'open'>, link: Link): Promise<Verdict<{ value: Result<'open'> }>> {
    const { channel, guaranteeRequest, wireguardKey } = params
    const channelId = channelIdOf({ ...channel, chainId: chain.deployment.chainId })
    const agreed = offered.get(channelId)
    if (agreed === undefined || agreed.consumer !== link.peer) return refuse({ code: 'no-terms', channelId })
    const request = judgeRequest(guaranteeRequest, channelId, link)
    if (!request.ok) return request
    const room = await makeRoom(channelId)
    if (!room.ok) return room
    const sound = await checkOnChain(params, channelId).catch((error: Error) => {
      log.warn('the chain does not answer', { reason: error.message })
      return refuse({ code: 'unreachable', url: 'The chain', reason: error.message })
    })
    if (!sound.ok) return sound
    const guaranteed = await askHub(params, channelId)
    if (!guaranteed.ok) return guaranteed
    const { guarantee } = guaranteed
    // While the hub and the chain were asked, another request may have been quicker.
    const peerKey = wireguardKeyFromHex(wireguardKey)
    if (sessions.byChannel(channelId) || sessions.hasKey(peerKey))
      return refuse({ code: 'session-running', channelId })
    const line = lines.refresh(channelId)
    if (line === undefined || line.released) return refuse({ code: 'channel-closing', channelId })
    const addresses = pool.take()
    if (addresses === undefined) return refuse({ code: 'sessions-full', limit: settings.maxSessions })
    offered.delete(channelId)
    const id = randomBytes(16).toString('hex')
    const base = line.accepted
    const record = {
      id,
      key: desk.nextKey(),
      channelId,
      consumer: link.peer,
      hub: channel.hub,
      startedAt: clock.now(),
      base,
    }
    const presharedKey = await sessions
      .open(
        {
          id,
          consumer: link.peer,
          channelId,
          price: priceOf(agreed),
          creditBytes: settings.creditBytes,
          graceSeconds: settings.graceSeconds,
          base,
          ceiling: line.ceiling ?? wei(guarantee.ceiling),
        },
        record,
        { addresses, wireguardKey: peerKey, paymentPort: desk.paymentPort },
        link,
      )
      .catch((error: unknown) => {
        pool.free(addresses)
        throw error
      })
    log.info('session opened', { session: id, consumer: link.peer, channelId, ceiling: guarantee.ceiling })
    const { gateway } = pool
    return {
      ok: true,
      value: {
        session: id,
        guarantee,
        tunnel: {
          publicKey: desk.wireguardKey,
          presharedKey: `0x${Buffer.from(presharedKey, 'base64').toString('hex')}`,
          port: desk.udpPort(),
          ...addresses,
          gateway4: gateway.address4,
          gateway6: gateway.address6,
          dns: [...desk.dns],
          mtu: desk.tunnelMtu,
          paymentPort: desk.paymentPort,
        },
      },
    }
  }

  function judgeRequest(request: Signed<'GuaranteeRequest'>, channelId: Hex, link: Link): Verdict {
    const now = clock.now()
    if (request.provider !== identity.address)
      return refuse({ code: 'wrong-peer', identity: request.provider, expected: identity.address })
    if (request.channelId !== channelId) return refuse({ code: 'no-terms', channelId: request.channelId })
    if (Math.abs(now - request.issuedAt) > freshnessSeconds)
      return refuse({ code: 'stale-request', issuedAt: request.issuedAt, now })
    return typedData.check('GuaranteeRequest', request, link.peer)
  }

  /** A session that its consumer lost gives way; one that is in use does not. */
  async function makeRoom(channelId: Hex): Promise<Verdict> {
    const running = sessions.byChannel(channelId)
    if (running && running.links.size > 0) return refuse({ code: 'session-running', channelId })
    if (running)
      await sessions.end(running.record.id, { code: 'session-abandoned', seconds: settings.graceSeconds })
    return sessions.count >= settings.maxSessions
      ? refuse({ code: 'sessions-full', limit: settings.maxSessions })
      : { ok: true }
  }

  async function checkOnChain({ channel }: Params<'open'>, channelId: Hex): Promise<Verdict> {
    const [onChain, hub, consumer] = await Promise.all([
      readChannel(chain, channelId, identity.address),
      readHub(chain, channel.hub),
      readStanding(chain, channel.consumer),
    ])
    if (!onChain.isOpen) return refuse({ code: 'unknown-channel', channelId })
    if (onChain.exitAt > 0) return refuse({ code: 'exit-begun', channelId, exitAt: onChain.exitAt })
    if (consumer.debt > 0n)
      return refuse({ code: 'in-debt', identity: channel.consumer, debt: consumer.debt })
    const admitted = judgeStanding(consumer, clock.now(), settings.access)
    if (!admitted.ok) return admitted
    return judgeHub(channel.hub, { ...hub, isActive: isActive(hub, 'hub') })
  }

  async function askHub(
    { channel, guaranteeRequest }: Params<'raise'>,
    channelId: Hex,
  ): Promise<Verdict<{ guarantee: Signed<'Guarantee'> }>> {
    const hub = hubs.get(channel.hub)
    if (hub === undefined) return refuse({ code: 'hub-not-accepted', hub: channel.hub })
    const answer = await hub.request('guarantee', { channel, request: guaranteeRequest })
    if (!answer.ok) return answer
    const { guarantee } = answer.value
    const signed = typedData.check('Guarantee', guarantee, channel.hub)
    if (!signed.ok) return signed
    const head = await chain.head()
    const seen = judgeHead(chain, head, clock.now())
    if (!seen.ok) return seen
    const verdict = judgeGuarantee(guarantee, {
      hub: channel.hub,
      provider: identity.address,
      channelId,
      above: lines.get(channelId)?.accepted ?? wei(0n),
      now: head.at,
      maxGuaranteeSeconds: desk.maxGuaranteeSeconds,
    })
    if (!verdict.ok) return verdict
    promises.keepChannel(channelId, channel)
    promises.keepGuarantee(guarantee, unixSeconds(head.at))
    return { ok: true, guarantee }
  }

  /** A session's guarantee is nearly used up, and its consumer asks for a larger one. */
  async function raise(params: Params<'raise'>, link: Link): Promise<Verdict<{ value: Result<'raise'> }>> {
    const { channel, guaranteeRequest } = params
    const channelId = channelIdOf({ ...channel, chainId: chain.deployment.chainId })
    const running = sessions.byChannel(channelId)
    if (running?.record.consumer !== link.peer) return refuse({ code: 'unknown-session', session: channelId })
    const request = judgeRequest(guaranteeRequest, channelId, link)
    if (!request.ok) return request
    const guaranteed = await askHub(params, channelId)
    if (!guaranteed.ok) return guaranteed
    const ceiling = lines.refresh(channelId)?.ceiling
    if (ceiling !== undefined) sessions.guaranteed(channelId, ceiling)
    return { ok: true, value: { guarantee: guaranteed.guarantee } }
  }

  return { terms, open, raise }
}
