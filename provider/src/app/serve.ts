import type { Hex } from '@pontage/shared'
import {
  Closers,
  type Handlers,
  listenLinks,
  noCertificate,
  ownCertificate,
  presentedFingerprint,
  startCommandsAside,
  type TlsPair,
  UserError,
  wireguardKeyToHex,
} from '@pontage/shared/node'
import { AddressPool } from '../core/addressPool.js'
import { judgeEndpoint } from '../core/endpoint.js'
import type { Firewall } from '../io/kernel/firewall.js'
import { ownLendingSecret, ownWireguardKeys } from '../io/kernel/wireguardKey.js'
import { readCertificateFiles } from '../io/link/certificateFiles.js'
import { followOuterAddresses } from '../io/link/outerAddresses.js'
import { answerConsumers } from './admission/answerConsumers.js'
import type { ServiceState } from './admission/consumerRequests.js'
import { openFrontDoor } from './admission/frontDoor.js'
import type { Components } from './components.js'
import { Carriers } from './metering/carriers.js'
import { watchLiveness } from './metering/liveness.js'
import { watchPathMtus } from './metering/pathMtus.js'
import { type ListenFor, raiseTunnels } from './metering/raiseTunnels.js'
import { recoverMachine } from './metering/recover.js'
import { resumeSessions } from './metering/resume.js'
import { openPorts } from './offer/openPorts.js'
import { planNetwork } from './offer/planNetwork.js'
import { followPrice, type PriceInForce } from './offer/priceInForce.js'
import { demandRegistered, publishOffer, withdrawOffer } from './offer/publish.js'
import { type Publisher, publishOnceReached } from './offer/publishOnceReached.js'
import { type Reached, tryReach } from './offer/reach.js'
import { createMetrics } from './operator/metrics.js'
import { openOwnersView } from './operator/ownersView.js'
import { prepareRetirement } from './retirement/drain.js'
import { isRetiring } from './retirement/retiring.js'
import type { Settings } from './settings.js'
import { demandHubs } from './settlement/hubs.js'
import { type Money, openMoney } from './settlement/openMoney.js'
import { watchChain } from './settlement/watchChain.js'
import { keepOfferTrue } from './upkeep/offerFollowsWay.js'
import { renewCertificate } from './upkeep/renewCertificate.js'
import { Upkeep } from './upkeep/upkeep.js'

/** A provider that serves. */
export interface Serving {
  readonly port: number
  /** Ends the sessions, clears and redeems what they brought, and puts the machine back as it was. */
  stop(): Promise<void>
  /** Rejects when it cannot go on: the disk or the kernel fails. */
  readonly failed: Promise<never>
  /** Resolves when its owner had it retire and the last session has ended. */
  readonly retired: Promise<void>
}

/** Milliseconds between looks at what is still to be sent, or was and is in no block. */
const sendEveryMs = 2_000

/**
 * Starts a provider: what a crash left is undone, tunnels and firewall made, the offer published, and consumers
 * accepted. What was opened is closed again when a later step fails.
 *
 * @param counting - What stands between the kernel's rules and the sessions; an honest provider lets them be.
 * @throws UserError for everything the owner can mend.
 */
export async function serve(
  components: Components,
  settings: Settings,
  counting: (firewall: Firewall) => Firewall = (firewall) => firewall,
): Promise<Serving> {
  const closers = new Closers()
  try {
    return await serveWith(components, settings, counting, closers)
  } catch (error) {
    await closers
      .close()
      .catch((left: Error) => components.log.error('not everything was undone', { reason: left.message }))
    throw error
  }
}

async function serveWith(
  components: Components,
  settings: Settings,
  counting: (firewall: Firewall) => Firewall,
  closers: Closers,
): Promise<Serving> {
  // Each second the machine is looked at: that is to hold up neither payments nor packets.
  startCommandsAside()
  const { failed, fail } = failure()
  const service: Service = { state: 'opening', requests: {}, udpPort: settings.wireguardPort }
  await demandServable(components, settings)
  keepSending(components, closers)
  const { resumable } = await recoverMachine(components, settings.home, true)
  const earlierPort = resumable[0]?.session.tunnel.paymentPort ?? 0
  const base = await raiseBase(components, settings, service, earlierPort, counting, closers)
  const { pool, tunnels } = base
  const metrics = createMetrics(components.clock)
  const carriers = new Carriers(components, settings.wireguardPort, (id) => money.sessions.find(id))
  const money: Money = await openMoney(components, settings, tunnels, closers, {
    ended: (live, code) => metrics.ended(live, code),
    left: (live) => {
      carriers.left(live)
      pool.free(live.addresses)
    },
    took: (ms) => metrics.round(ms),
    failed: fail,
  })
  const { sessions, lines, hubs } = money
  const retirement = prepareRetirement(components, sessions)
  closers.add('the retirement', () => retirement.stop())
  const pathMtus = watchPathMtus(components, tunnels.machine)
  const upkeep = new Upkeep(components, settings, { ...tunnels, sessions, outer: base.outer }, base.network)
  closers.add('the upkeep of the machine', () => upkeep.stop())
  const isOffered = () =>
    service.price?.now() !== undefined && !retirement.hasBegun() && upkeep.faults().length === 0
  service.requests = answerConsumers(
    components,
    settings,
    money,
    {
      ...{ pool, tunnelEnd: tunnelEndOf(base, service), fitPath: pathMtus.fit, carriers },
      lendingSecret: base.lendingSecret,
      price: () => service.price?.now() ?? settings.price,
      state: () => (service.state === 'open' && !isOffered() ? 'closing' : service.state),
    },
    fail,
  )
  closers.add('sessions that were taken up', async () => {
    // A start that fails is no reason to end them: the next one takes them up again.
    if (service.state === 'opening') await sessions.leave()
  })
  await resumeSessions(components, resumable, { sessions, lines, pool, paymentPort: tunnels.paymentPort })
  const { machine, firewall } = tunnels
  const reach = reachBy(settings, service, base, hubs.links)
  const { port, price, publisher } = await goPublic(components, settings, service, base, reach, closers)
  const offer = keepOfferTrue(components, upkeep, settings.withdrawAfterSeconds, {
    withdraw: () => withdrawOffer(components),
    publish: async () => {
      if (!retirement.hasBegun()) await publisher.publish()
    },
  })
  closers.add('the look after the offer', () => offer.stop())
  void upkeep.look(true)
  const watch = await watchChain(components, settings, money, price, machine, closers, fail)
  const view = { sessions, firewall, metrics, pathMtus, retirement, upkeep, reach }
  closers.opened('the owner’s view', await openOwnersView(components, settings, view))
  const liveness = watchLiveness(components, sessions, machine, settings.goneAfterSeconds)
  closers.add('the look after consumers', () => liveness.stop())
  service.state = 'open'
  reportListening(components, settings, base, port)
  watch.settleNow()
  return {
    port,
    failed,
    retired: retirement.drained,
    stop() {
      service.state = 'closing'
      return endAndSettle(money, closers)
    },
  }
}

/** Has the hubs try our ports, but for those of an unlisted provider: who tries an address knows it. */
function reachBy(settings: Settings, service: Service, base: Base, links: Money['hubs']['links']) {
  const { host, port } = settings.endpoint
  const { certificate, wireguardKey } = base
  return async () =>
    settings.unlisted
      ? []
      : tryReach(links.values(), base.tunnels.machine, {
          ...{ endpoint: `${host}:${port}`, udpPort: service.udpPort, certificate, wireguardKey },
        })
}

/** What consumers are answered by, as it comes into being. */
interface Service {
  state: ServiceState
  requests: Handlers
  price?: PriceInForce
  /** Where the tunnels are reached from outside. */
  udpPort: number
}

/** What sessions stand on: the way out, addresses, keys, and the tunnels. */
type Base = Awaited<ReturnType<typeof raiseBase>>

async function raiseBase(
  components: Components,
  settings: Settings,
  service: Service,
  earlierPort: number,
  counting: (firewall: Firewall) => Firewall,
  closers: Closers,
) {
  const { host } = settings.endpoint
  const outer = followOuterAddresses(host, () => components.clock.elapsedMs())
  const vain = judgeEndpoint({ host, addresses: await outer.now(), listen: settings.listen.host })
  if (vain !== undefined) throw new UserError(vain)
  const network = { ...(await planNetwork(settings)), outer: await outer.now() }
  const pool = new AddressPool(settings, settings.maxSessions)
  const keys = await ownWireguardKeys(settings.home)
  // What its owner gave may be renewed at any time, so nothing relies on it: who we are, our signature says.
  const tls = settings.tls ? await readCertificateFiles(settings.tls) : await ownCertificate(settings.home)
  const certificate: Hex = settings.tls ? noCertificate : (presentedFingerprint({ tls }) ?? noCertificate)
  const wireguardKey = wireguardKeyToHex(keys.publicKey)
  const door = await openFrontDoor(components, settings, wireguardKey, keys.privateKey)
  const listen = listenWith(components, tls)
  const place = { network, keys, pool, earlierPort }
  const raised = await raiseTunnels(settings, place, listen, () => service.requests, closers)
  return {
    ...{ network, outer, pool, tls, door, wireguardKey, certificate },
    lendingSecret: await ownLendingSecret(settings.home),
    tunnels: { ...raised, firewall: counting(raised.firewall) },
  }
}

/** Listens, and publishes the offer after that: a port that is taken must not be published. */
async function goPublic(
  components: Components,
  settings: Settings,
  service: Service,
  base: Base,
  reach: () => Promise<Reached[]>,
  closers: Closers,
): Promise<{ port: number; price: PriceInForce; publisher: Publisher }> {
  const { host, port } = settings.listen
  const outside = closers.opened(
    'the listening socket',
    await listenLinks({
      ...{ host, port, tls: base.tls, self: components, log: components.log, front: base.door },
      accept: (path) => base.door.handlersAt(path, service.requests),
    }),
  )
  if (settings.tls)
    closers.opened(
      'the look after the certificate',
      renewCertificate(components, settings.tls, base.tls, [outside, base.tunnels.inside]),
    )
  const mapping = await openPorts(components, settings)
  if (mapping) {
    closers.add('the port mappings', () => mapping.remove())
    service.udpPort = mapping.udp
    base.outer.add(mapping.externalHost)
  }
  const publisher = publishOnceReached(components, settings, reach, async () => {
    await demandRegistered(components)
    if (settings.unlisted) await withdrawOffer(components)
    else await publishOffer(components, settings, base)
    await service.price?.refresh()
  })
  closers.add('the publishing of the offer', () => publisher.stop())
  await publisher.publish()
  const price = await followPrice(components, settings)
  service.price = price
  return { port: outside.port, price, publisher }
}

function reportListening({ log }: Components, settings: Settings, base: Base, port: number): void {
  const { machine } = base.tunnels
  log.info('listening', {
    ...{ port, endpoint: `${settings.endpoint.host}:${settings.endpoint.port}`, uplink: base.network.uplink },
    ...{ wireguardPort: settings.wireguardPort, wireguard: machine.tunnel.kind },
    ...{ interface: machine.tunnel.name, mtu: machine.mtu },
  })
}

/** @throws UserError when this provider is on its way out, or one of its hubs is none. */
async function demandServable(components: Components, settings: Settings): Promise<void> {
  if (await isRetiring(settings.home))
    throw new UserError(
      'This provider is being retired. Continue with pontage-provider retire, or serve again after pontage-provider retire --cancel.',
    )
  await demandHubs(components, settings.hubs)
}

/** Sends again and again what was to be sent and is in no block yet. */
function keepSending({ sender }: Components, closers: Closers): void {
  const stop = new AbortController()
  const sending = sender.run(sendEveryMs, stop.signal)
  closers.add('sending', async () => {
    stop.abort()
    await sending
  })
}

/** Our end of the tunnels, and the resolvers that stand behind it, as a consumer is told. */
function tunnelEndOf({ pool, network, wireguardKey, tunnels }: Base, service: Service) {
  const { address4: gateway4, address6: gateway6 } = pool.gateway
  const dns = [
    ...(network.resolver4 === undefined ? [] : [gateway4]),
    ...(network.resolver6 === undefined ? [] : [gateway6]),
  ]
  const { machine, paymentPort } = tunnels
  return () => ({
    ...{ gateway4, gateway6, dns, publicKey: wireguardKey },
    ...{ port: service.udpPort, mtu: machine.mtu, paymentPort },
  })
}

function listenWith({ identity, typedData, clock, log }: Components, tls: TlsPair): ListenFor {
  const self = { identity, typedData, clock }
  return (host, port, accept) => listenLinks({ host, port, tls, self, accept, log })
}

/** The sessions end, what they brought is settled, and everything is closed, each whatever became of the others. */
function endAndSettle({ sessions, hubs }: Money, closers: Closers): Promise<void> {
  closers.add('settling', async () => {
    await Promise.all([...hubs.settlements.values()].map((settlement) => settlement.settle()))
  })
  closers.add('the sessions', () => sessions.stop())
  return closers.close()
}

function failure(): { failed: Promise<never>; fail: (error: unknown) => void } {
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Whoever awaits it hears of it; that nobody does yet is no failure of its own.
  failed.catch(() => undefined)
  return { failed, fail }
}
