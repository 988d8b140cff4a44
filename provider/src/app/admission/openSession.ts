import { createHmac, randomBytes } from 'node:crypto'
import {
  bytes,
  channelIdOf,
  type Hex,
  type Params,
  priceOf,
  type Result,
  refuse,
  SerialQueue,
  type Signed,
  smaller,
  type Verdict,
  type Wei,
  wei,
} from '@pontage/shared'
import { createTunnelKey, type Link, type WireguardKey, wireguardKeyFromHex } from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import { type Credit, nextCredit } from '../../core/credit.js'
import type { Lent } from '../../core/session.js'
import type { Components } from '../components.js'
import type { OpenLine } from '../promises/creditLines.js'
import type { AdmissionContext } from './admissionContext.js'
import { askHub, checkOnChain, judgeRequest } from './checkOpening.js'
import { endAbandoned } from './endAbandoned.js'

/** The store has no room for more. */
const mostBytes = bytes((1n << 62n) - 1n)

/** A session whose parties, money and place are settled. */
interface Agreed {
  readonly channel: Params<'open'>['channel']
  readonly channelId: Hex
  readonly terms: Signed<'SessionTerms'>
  readonly guarantee: Signed<'Guarantee'>
  readonly line: OpenLine
  readonly credit: Credit
  readonly wireguardKey: WireguardKey
  readonly addresses: TunnelAddresses
  readonly tunnelKey: NonNullable<Awaited<ReturnType<typeof createTunnelKey>>>
  readonly lent: Lent | undefined
}

/** Answers `open`: what costs nothing is checked first, then the chain, then the hub. */
export function createOpenSession(components: Components, context: AdmissionContext) {
  const { clock, chain, log, sessions: history } = components
  const { settings, sessions, lines, pool, openTerms } = context
  const turns = new SerialQueue()

  async function open(params: Params<'open'>, link: Link): Promise<Verdict<{ value: Result<'open'> }>> {
    const { channel, guaranteeRequest } = params
    const channelId = channelIdOf(chain.deployment, channel)
    const terms = openTerms.find(channelId, clock.now())
    if (terms === undefined || terms.consumer !== link.peer) return refuse({ code: 'no-terms', channelId })
    const request = judgeRequest(components, guaranteeRequest, channelId, link)
    if (!request.ok) return request
    const tunnelKey = await createTunnelKey(
      params.encapsulationKey,
      undefined,
      lastingSeed(params, link.peer),
    )
    if (tunnelKey === undefined)
      return refuse({
        code: 'malformed-message',
        type: 'open',
        problem: 'encapsulationKey is no key of ML-KEM-768: it holds numbers that FIPS 203 does not allow',
      })
    const room = await makeRoom(channelId)
    if (!room.ok) return room
    const sound = await checkOnChain(components, context, params, channelId)
    if (!sound.ok) return sound
    const guaranteed = await askHub(components, context, params, channelId)
    if (!guaranteed.ok) return guaranteed
    // One after the other: each is judged by the sessions that those before it began.
    return turns.run(() =>
      admit(params, link, { channelId, terms, guarantee: guaranteed.guarantee, tunnelKey }, sound.stake),
    )
  }

  async function admit(
    { channel, wireguardKey: keyInHex, lend }: Params<'open'>,
    link: Link,
    agreed: Pick<Agreed, 'channelId' | 'terms' | 'guarantee' | 'tunnelKey'>,
    stake: Wei,
  ): Promise<Verdict<{ value: Result<'open'> }>> {
    const { channelId, terms } = agreed
    // While the hub and the chain were asked, another request may have been quicker.
    const wireguardKey = wireguardKeyFromHex(keyInHex)
    if (sessions.byChannel(channelId) || sessions.hasKey(wireguardKey))
      return refuse({ code: 'session-running', channelId })
    const line = lines.refresh(channelId)
    if (line === undefined || line.released) return refuse({ code: 'channel-closing', channelId })
    const credit = nextCredit(
      history.creditHistory(link.peer),
      stake,
      settings.creditBytes,
      priceOf(terms),
      sessions.creditOf(link.peer),
    )
    // Whoever agreed to terms with credit does not know that it has to pay ahead.
    if (credit.atFirst === 0n && terms.creditBytes > 0n) return refuse({ code: 'no-terms', channelId })
    const addresses = ownAgain(lend) ?? pool.take()
    if (addresses === undefined) return refuse({ code: 'sessions-full', limit: settings.maxSessions })
    openTerms.take(channelId)
    const lent = lend && { limit: lend.limit && smaller(lend.limit, mostBytes) }
    return begin({ ...agreed, channel, line, credit, wireguardKey, addresses, lent }, link)
  }

  /** What a lent tunnel's other machine was told once is good as long as its addresses are free. */
  function ownAgain({
    address4,
    address6,
  }: NonNullable<Params<'open'>['lend']> = {}): TunnelAddresses | undefined {
    if (address4 === undefined || address6 === undefined) return undefined
    const wanted = { address4, address6 }
    return pool.claim(wanted) ? wanted : undefined
  }

  /** The key of a lent tunnel is the same each time, as its other machine cannot be told another. */
  function lastingSeed({ lend, wireguardKey, encapsulationKey }: Params<'open'>, consumer: string) {
    if (lend === undefined) return undefined
    const asked = [consumer, wireguardKey, encapsulationKey ?? ''].join(' ')
    return createHmac('sha512', context.lendingSecret).update(asked).digest()
  }

  async function begin(agreed: Agreed, link: Link): Promise<Verdict<{ value: Result<'open'> }>> {
    const { channel, channelId, terms, guarantee, line, credit, wireguardKey, addresses, tunnelKey, lent } =
      agreed
    const id = randomBytes(16).toString('hex')
    const { consumer, hub } = channel
    const base = line.accepted
    const end = context.tunnelEnd()
    await sessions
      .open(
        {
          ...{ id, consumer, channelId, price: priceOf(terms), credit, base, lent },
          graceSeconds: settings.graceSeconds,
          ceiling: line.ceiling ?? wei(guarantee.ceiling),
        },
        { id, channelId, consumer, hub, startedAt: clock.now(), base },
        { addresses, wireguardKey, presharedKey: tunnelKey.key, paymentPort: end.paymentPort },
        link,
      )
      .catch((error: unknown) => {
        pool.free(addresses)
        throw error
      })
    const { ceiling } = guarantee
    const isLent = lent !== undefined
    log.info('session opened', {
      ...{ session: id, consumer, channelId, ceiling, credit: credit.atFirst },
      ...(isLent ? { lent: true } : {}),
    })
    return {
      ok: true,
      value: {
        ...{ session: id, guarantee, tunnel: { ...end, ...addresses, ...tunnelKey.sent } },
        ...(isLent ? { lent: true } : {}),
      },
    }
  }

  async function makeRoom(channelId: Hex): Promise<Verdict> {
    await endAbandoned(context, channelId)
    if (sessions.byChannel(channelId)) return refuse({ code: 'session-running', channelId })
    return sessions.count >= settings.maxSessions
      ? refuse({ code: 'sessions-full', limit: settings.maxSessions })
      : { ok: true }
  }

  return open
}
