import { bytes, smaller, wei } from '@pontage/shared'
import {
  generateWireguardKeys,
  type Link,
  pinned,
  proxyInUse,
  publicPath,
  UserError,
  uniqueInterfaceName,
  type WireguardKeyPair,
} from '@pontage/shared/node'
import type { CarrierWish } from '../../core/carrier.js'
import { freeAfter } from '../../core/heldBack.js'
import type { Session } from '../../core/session.js'
import { type ConnectionRecord, thisNamespace, thisProcess } from '../../io/home/connectionFile.js'
import { connectedNetworks } from '../../io/kernel/connectedNetworks.js'
import { planDns } from '../../io/kernel/dns.js'
import { planGateway } from '../../io/kernel/gateway.js'
import { lookUpAlone } from '../../io/kernel/lookUpAlone.js'
import type { Meter } from '../../io/kernel/meter.js'
import { makeNamespace, namespaceExists } from '../../io/kernel/namespace.js'
import { callerOutside } from '../../io/kernel/ownRoot.js'
import { readSrcValidMark } from '../../io/kernel/reversePath.js'
import { freeTable, speaksIpv6 } from '../../io/kernel/routing.js'
import { greetAt, meterOf, raiseTunnel } from '../../io/kernel/tunnel.js'
import { greeted, watchHealth } from '../../io/kernel/tunnelHealth.js'
import { answeringAddress, isAddress, onTheLine, urlOf } from '../../io/link/endpoint.js'
import { type Listener, listenerAt, reachesAny } from '../../io/link/reachable.js'
import { type Context, link, unwrap } from '../context.js'
import { type Agreement, agree } from '../session/agree.js'
import { leftNow, leftOfMonth } from '../session/limits.js'
import { endNeverPaid } from '../session/neverPaid.js'
import type { RaiseTerms } from '../session/raiseGuarantee.js'
import { runSession } from '../session/runSession.js'
import { createCarriers } from './carriers.js'
import { type Connection, PathRefused, usedBy } from './connection.js'
import type { Path } from './findPaths.js'
import { stepDone, stepsMs } from './timings.js'

/** How long a provider may take to shake hands. */
const introduceWithinMs = 6_000
/** How long it may take to hear that a session is over that never came up, or that was lost. */
const farewellMs = 2_000
/** How long the two ends of a tunnel may take to greet each other, counted from when it is raised. */
const greetWithinMs = 4_500

const mostListeners = 3

/** What was agreed with a provider, and the connection that it was agreed on. */
interface Prepared {
  readonly outer: Link
  /** Where the provider answered: the tunnel goes there, too. */
  readonly address: string
  readonly agreement: Agreement
  readonly keys: WireguardKeyPair
  readonly raise: RaiseTerms
}

/**
 * One provider's session, from the first word to the last promise. The kill switch stands from before the tunnel
 * on; where it stood already, nothing but this provider's payment port is opened in it.
 *
 * @param hasFailed - Whether it did not serve before: then it may have moved, and its host is looked up again.
 * @returns The session as it ended, its tunnel still there.
 * @throws PathRefused when it did not come up: the machine is as it was before, or shut where it was shut.
 */
export async function openSession(
  connection: Connection,
  known: Path,
  hasFailed: boolean,
): Promise<{ id: string; session: Session }> {
  let prepared: Prepared | undefined
  let isAttached = false
  try {
    const path = hasFailed ? await whereItIsNow(connection, known) : known
    await connection.move({ type: 'asked' }, { asked: onTheLine(path.endpoint) })
    prepared = await prepare(connection, path)
    return await serve(connection, path, prepared, () => {
      isAttached = true
    })
  } catch (error) {
    if (isAttached) throw error
    if (prepared) await prepared.outer.request('end', { session: prepared.agreement.session }, farewellMs)
    await connection.move({ type: 'refused' })
    // Whatever it was, it came of this provider's answers or of what was made for it: the next one may do better.
    throw new PathRefused(known.offer.proposal.provider, error as Error)
  } finally {
    prepared?.outer.close()
  }
}

/** One narrow way out for its name, and only for that: behind the kill switch nobody else's names are asked for. */
async function whereItIsNow(connection: Connection, path: Path): Promise<Path> {
  const { endpoint } = path
  if (isAddress(endpoint.host) || proxyInUse()) return path
  await connection.move({ type: 'asked' }, { asked: { ...endpoint, lookUp: true } })
  const [first, ...others] = (await lookUpAlone(endpoint.host)) ?? endpoint.addresses
  return first === undefined ? path : { ...path, endpoint: { ...endpoint, addresses: [first, ...others] } }
}

async function prepare(connection: Connection, path: Path): Promise<Prepared> {
  const { context, journal, wishes } = connection
  const { provider, certificate } = path.offer.proposal
  const { channelId } = path.channel
  const past = connection.ended
  const left = leftNow(context, journal, connection.limits, usedBy(connection))
  const channel = { ...path.channel, free: freeAfter(path.channel.free, channelId, provider, past) }
  const keys = generateWireguardKeys()
  const address = await answeringAddress(path.endpoint, introduceWithinMs)
  const to = { url: outsideUrl(path, address), ...hostOf(path), expectPeer: provider, ...pinned(certificate) }
  // A namespace of programs has no other network.
  const around = wishes.netns === undefined ? connectedNetworks() : Promise.resolve([])
  around.catch(() => undefined)
  const outer = unwrap(await link(context, { ...to, timeoutMs: introduceWithinMs })).link
  try {
    // Else it would keep the old session's place, and refuse this one, until it misses us.
    const lost = past.filter((each) => each.provider === provider && each.session.reason === 'lost').at(-1)
    if (lost) await outer.request('end', { session: lost.id }, farewellMs)
    const { maxPrice } = connection.limits
    const agreed = await agree(context, journal, outer, {
      ...{ offer: path.offer, channel, left, maxPrice, keys },
      networks: await around,
    })
    const dns = wishes.resolvers ?? agreed.tunnel.dns
    const agreement = { ...agreed, tunnel: { ...agreed.tunnel, dns: [...dns] } }
    if (agreement.guaranteed.limit === 0n)
      throw new UserError(
        agreement.guaranteed.ceilingIs === 'budget'
          ? 'The rest of the budget does not pay for another megabyte. Raise --budget.'
          : `Channel ${channelId} has too little left for one megabyte. Close it and open another with a larger deposit.`,
      )
    const raise = { channel, provider, step: agreement.suggested, left, past }
    stepDone('agreement')
    return { outer, address, agreement, keys, raise }
  } catch (error) {
    outer.close()
    throw error
  }
}

async function serve(
  connection: Connection,
  path: Path,
  { outer, address, agreement, keys, raise }: Prepared,
  attached: () => void,
): Promise<{ id: string; session: Session }> {
  const { context, journal, wishes, screen, stop } = connection
  const { provider, certificate } = path.offer.proposal
  const { limit } = agreement.guaranteed
  const { tunnel: offered, session } = agreement
  const outside = outsideUrl(path, address)
  const inside = urlOf(offered.gateway4, offered.paymentPort)
  const to = {
    ...{ udp: { host: address, port: offered.port }, url: outside, gateway4: offered.gateway4 },
    ...{ provider, certificate, session, ...hostOf(path) },
  }
  const [record, carriers] = await Promise.all([
    planRecord(connection, path, agreement, address),
    createCarriers(context, wishes.carrier, to, (carrier) => screen.carried(carrier)),
  ])
  await connection.move({ type: 'agreed' }, { planned: record })
  if (record.netns?.isOurs && !(await namespaceExists(record.netns.name)))
    await makeNamespace(record.netns.name)
  const meter = meterOf(record, offered, limit, () => screen.interfered({ part: 'firewall' }))
  let [isRaised, isPaid] = [false, false]
  try {
    const greetUntil = context.clock.elapsedMs() + greetWithinMs
    const { tunnel, path: way } = await raiseTunnel({
      ...{ record, offer: offered, keys, meter, upkeep: connection.upkeep, carrier: carriers },
      remember: connection.remember,
      warn: (sentence) => screen.warned(sentence),
    })
    isRaised = true
    context.log.debug('path MTU', { ...way })
    if (!(await greeted(tunnel, greetUntil - context.clock.elapsedMs())))
      throw unanswered(wishes.carrier, address, offered.port)
    const ended = await runSession({
      ...{ context, journal, meter, stop },
      leftForAll: () => leftOfMonth(context, journal, connection.limits),
      terms: termsOf(agreement),
      raise,
      topUp: wishes.topUp && { rule: wishes.topUp, maxRelayFee: wishes.maxRelayFee },
      party: { channelId: record.channelId, provider },
      countedAs: agreement.countedAs,
      // A namespace of programs is theirs alone, and a proxy knows nothing of the tunnel: we speak to the provider over the open line.
      endpoint: {
        ...{ provider, certificate, session, mtu: way.mtu, ...hostOf(path) },
        urls: record.netns || proxyInUse() ? [outside] : [inside, outside],
      },
      health: watchHealth(tunnel, () => context.clock.elapsedMs()),
      delivers: () =>
        reachesAny(
          listenersBeyond(context, connection.paths, path),
          [offered.address4, offered.address6],
          tunnel.netns,
        ),
      lossy: () => carriers.lossy(),
      attached: () => {
        isPaid = true
        attached()
        void connection.move({ type: 'attached' })
        void carriers.remember()
        outer.close()
        void carriers.keep(tunnel, (endpoint) => greetAt(tunnel, offered, endpoint))
        const names = { interface: tunnel.name, wireguard: tunnel.kind, netns: tunnel.netns }
        stepDone('tunnel')
        screen.connected({
          ...{ provider, country: path.offer.proposal.country, price: agreement.price },
          atStart: { left: raise.left, channel: raise.channel.free },
          limitedBy: agreement.guaranteed.limitedBy,
          ...{ limit, ...names, ...offered, path: way, carrier: carriers.current, stepsMs: stepsMs() },
          ...{ postQuantum: agreement.postQuantum, proxy: proxyInUse()?.name ?? null },
        })
      },
      report: (report) => screen.report(report, raise.left.budget),
      patienceMs: wishes.patienceMs,
    })
    return { id: session, session: ended }
  } finally {
    if (isRaised && !isPaid) await countNeverPaid(connection, agreement, meter)
    carriers.close()
    meter.close()
  }
}

async function countNeverPaid(connection: Connection, { countedAs }: Agreement, meter: Meter): Promise<void> {
  const { context, journal } = connection
  const passed = await endNeverPaid(context, journal, countedAs, meter)
  connection.neverPaid = bytes(connection.neverPaid + passed)
}

export const termsOf = ({ price, base, credit, suggested, guaranteed }: Agreement) => ({
  ...{ price, base, credit, ...guaranteed },
  // Half of what one guarantee is worth here; a small channel's is smaller than what was suggested.
  raiseBelow: wei(smaller(suggested, wei(guaranteed.ceiling - base)) / 2n),
})

/** Neither end of the tunnel has heard the other. */
const unanswered = (carrier: CarrierWish, address: string, udpPort: number): UserError =>
  new UserError(
    carrier === 'wss'
      ? `WireGuard does not answer over TLS to ${address}. Try ${proxyInUse() ? '' : '--carrier udp, or '}another provider.`
      : `No answer on UDP ${udpPort} of ${address}. The provider’s port, or UDP on the way to it, is closed${carrier === 'auto' ? ', and over TLS it does not answer either' : ''}.`,
  )

/** Where a provider is reached on the open line. */
export const outsideUrl = ({ offer, endpoint }: Path, address: string): string =>
  urlOf(address, endpoint.tcpPort, offer.path ?? publicPath(offer.proposal.wireguardKey))

/** What its web server is called by, where that is a name. */
export const hostOf = ({ endpoint: { host } }: Path) => (isAddress(host) ? {} : { hostname: host })

/** Who is tried when nothing comes back: nodes of the chain, and other providers. */
function listenersBeyond({ chain }: Context, paths: readonly Path[], own: Path): Listener[] {
  const others = paths.filter((each) => each !== own).slice(0, mostListeners)
  return [
    ...others.flatMap(({ endpoint }) => endpoint.addresses.map((host) => ({ host, port: endpoint.tcpPort }))),
    listenerAt(chain.rpc.url),
  ].filter((each) => each !== undefined)
}

/** What is about to be changed on this machine. */
async function planRecord(
  { context, wishes, record: earlier }: Connection,
  { offer, channel, endpoint }: Path,
  { countedAs, tunnel }: Agreement,
  address: string,
): Promise<ConnectionRecord> {
  const { netns, allowLan, gatewayFor } = wishes
  const proxy = proxyInUse()
  const [dns, table] = await Promise.all([netns === undefined ? planDns(tunnel.dns) : undefined, freeTable()])
  const isOurs = earlier?.netns?.isOurs ?? (netns !== undefined && !(await namespaceExists(netns)))
  return {
    state: 'connected',
    process: thisProcess(),
    namespace: thisNamespace(),
    provider: offer.proposal.provider,
    channelId: channel.channelId,
    token: { tokenSymbol: context.chain.tokenSymbol, tokenDecimals: context.chain.tokenDecimals },
    session: countedAs,
    interface: wishes.interface ?? uniqueInterfaceName(),
    table,
    endpoint: proxy
      ? { address: proxy.address, tcpPort: proxy.port }
      : { address, tcpPort: endpoint.tcpPort },
    gateway4: tunnel.gateway4,
    gateway6: tunnel.gateway6,
    ipv6: speaksIpv6(),
    srcValidMark: earlier?.srcValidMark ?? readSrcValidMark(),
    allowLan,
    ...(dns === undefined ? {} : { dns }),
    ...(gatewayFor.length === 0 ? {} : { gateway: earlier?.gateway ?? (await planGateway(gatewayFor)) }),
    ...(netns === undefined ? {} : { netns: { name: netns, isOurs } }),
    ...(callerOutside() === undefined ? {} : { rootless: true }),
  }
}
