import { type Price, priceOf, smaller } from '@pontage/shared'
import { listenLinks, ownCertificate, UserError, wireguardKeyToHex } from '@pontage/shared/node'
import { AddressPool } from '../core/addressPool.js'
import { parseRange } from '../core/addressRange.js'
import { parseExitPolicy } from '../core/exitPolicy.js'
import { readDelays, readOffer } from '../io/chain/chainViews.js'
import type { Firewall } from '../io/kernel/firewall.js'
import { prepareMachine } from '../io/kernel/machine.js'
import { ownWireguardKeys } from '../io/kernel/wireguardKey.js'
import { createFrontDesk, type Door } from './admission/consumerRequests.js'
import type { Parts } from './components.js'
import { watchLiveness } from './metering/liveness.js'
import { watchPathMtus } from './metering/pathMtus.js'
import { recoverMachine } from './metering/recover.js'
import { resumeSessions } from './metering/resume.js'
import { Sessions } from './metering/sessions.js'
import { openPorts } from './offer/openPorts.js'
import { planNetwork } from './offer/planNetwork.js'
import { publishOffer, readPublished } from './offer/publish.js'
import { createMetrics } from './operator/metrics.js'
import { openOwnersView } from './operator/ownersView.js'
import { CreditLines } from './promises/creditLines.js'
import { prepareRetirement } from './retirement/drain.js'
import { isRetiring } from './retirement/retiring.js'
import type { Settings } from './settings.js'
import { createAudit } from './settlement/audit.js'
import { createWatch } from './settlement/chainFollower.js'
import { demandHubs, joinHubs } from './settlement/hubs.js'

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
  parts: Parts,
  settings: Settings,
  counting: (firewall: Firewall) => Firewall = (firewall) => firewall,
): Promise<Serving> {
  const { identity, typedData, clock, chain, log } = parts
  const closers: (() => Promise<void> | void)[] = []
  const closeAll = () => inOrder(closers.splice(0).reverse())
  const { failed, fail } = failure()
  let door: Door = 'opening'
  const stopSending = new AbortController()
  try {
    if (await isRetiring(settings.home))
      throw new UserError(
        'This provider is being retired. Continue with pontage-provider retire, or serve again after pontage-provider retire --cancel.',
      )
    const sending = parts.sender.run(sendEveryMs, stopSending.signal)
    closers.push(async () => {
      stopSending.abort()
      await sending
    })
    const { resumable } = await recoverMachine(parts, settings.home, true)
    const pool = new AddressPool(settings, settings.maxSessions)
    const policy = parseExitPolicy(settings.exitPolicy)
    const network = await planNetwork(settings)
    await demandHubs(parts, settings.hubs)
    const delays = await readDelays(chain)
    const certificate = await ownCertificate(settings.home)
    const keys = await ownWireguardKeys(settings.home)
    const wireguardKey = wireguardKeyToHex(keys.publicKey)

    const machine = await prepareMachine({
      ...network,
      home: settings.home,
      keys,
      wireguardPort: settings.wireguardPort,
      gateway: pool.gateway,
      subnet4: settings.subnet4,
      subnet6: settings.subnet6,
      bits: { four: bitsOf(settings.subnet4), six: bitsOf(settings.subnet6) },
      policy,
    })
    closers.push(() => machine.restore())

    const listen = (host: string, port: number) =>
      listenLinks({
        host,
        port,
        tls: certificate,
        self: { identity, typedData, clock },
        accept: () => frontDesk(),
        log,
      })
    // Its own socket on the gateway's address: only consumers reach it, and its port is free for sure. Consumers of
    // an earlier run know it by the port it had then.
    const insidePort = resumable[0]?.session.tunnel.paymentPort ?? 0
    const inside = await listen(pool.gateway.address4, insidePort).catch((error: unknown) => {
      if (insidePort === 0) throw error
      return listen(pool.gateway.address4, 0)
    })
    closers.push(() => inside.close())
    const firewall = counting(await machine.raise(inside.port))
    await firewall.limit(settings.limits)

    const metrics = createMetrics(clock)
    const lines = new CreditLines(parts.promises)
    const sessions = new Sessions(parts, machine, firewall, {
      ended: (live, code) => {
        metrics.ended(live, code)
        void hubs.settlements.get(live.record.hub)?.settle()
      },
      took: (ms) => metrics.round(ms),
      left: (live) => pool.free(live.addresses),
      failed: fail,
    })
    closers.push(() => sessions.stop())
    const retirement = prepareRetirement(parts, sessions)
    closers.push(() => retirement.stop())
    const pathMtus = watchPathMtus(parts, machine)
    const hubs = joinHubs(parts, settings, { lines, sessions, delays })
    closers.push(() => hubs.close())

    /** Undefined while our offer is withdrawn: then nobody new is served. */
    let price: Settings['price'] | undefined = settings.price
    let udpPort = settings.wireguardPort
    let nextKey = parts.sessions.nextKey()
    const desk = createFrontDesk(parts, {
      settings,
      sessions,
      lines,
      pool,
      hubs: new Map([...hubs.links].filter(([hub]) => settings.hubs.includes(hub))),
      suspicion: (hub) => hubs.settlements.get(hub)?.suspicion,
      wireguardKey,
      paymentPort: inside.port,
      tunnelMtu: machine.mtu,
      fitPath: pathMtus.fit,
      udpPort: () => udpPort,
      dns: [
        ...(network.resolver4 === undefined ? [] : [pool.gateway.address4]),
        ...(network.resolver6 === undefined ? [] : [pool.gateway.address6]),
      ],
      maxGuaranteeSeconds: delays.maxGuarantee,
      price: () => price ?? settings.price,
      nextKey: () => nextKey++,
      door: () => (price === undefined || retirement.hasBegun() ? closed(door) : door),
      promised: (hub, channelId, total) => hubs.promised(hub, channelId, total),
      paidLate: (hub) => void hubs.settlements.get(hub)?.settle(),
      failed: fail,
    })
    const frontDesk = () => desk
    await resumeSessions(parts, resumable, { sessions, lines, pool, paymentPort: inside.port })

    // Before the offer: a port that is taken must not be published.
    const outside = await listen(settings.listen.host, settings.listen.port)
    closers.push(() => outside.close())
    const mapping = await openPorts(parts, settings)
    if (mapping) closers.push(() => mapping.remove())
    udpPort = mapping?.udp ?? settings.wireguardPort
    await publishOffer(parts, settings, { wireguardKey, certificate: certificate.fingerprint })
    price = await pricesInForce(parts, settings)
    const audit = await createAudit(parts, hubs.links, delays.maxGuarantee, {
      lied: (hub, reason) => void hubs.settlements.get(hub)?.distrust(reason),
    })
    closers.push(() => audit.idle())
    const watch = await createWatch(parts, sessions, hubs.settlements, settings.clearEverySeconds, {
      isAlive: () => machine.isAlive(),
      failed: fail,
      refresh: async () => {
        price = await pricesInForce(parts, settings)
        await audit.look()
      },
    })
    closers.push(() => watch.stop())
    const owner = await openOwnersView(parts, settings, {
      ...{ sessions, firewall, metrics, pathMtus, retirement },
      hubs: hubs.links,
    })
    closers.push(() => owner.close())
    const liveness = watchLiveness(parts, sessions, machine, settings.goneAfterSeconds)
    closers.push(() => liveness.stop())
    const settleAll = async () => {
      await Promise.all([...hubs.settlements.values()].map((settlement) => settlement.settle()))
    }
    door = 'open'
    log.info('listening', {
      port: outside.port,
      endpoint: `${settings.endpoint.host}:${settings.endpoint.port}`,
      wireguardPort: settings.wireguardPort,
      wireguard: machine.tunnel.kind,
      interface: machine.tunnel.name,
      mtu: machine.mtu,
      uplink: network.uplink,
    })
    watch.settleNow()
    return {
      port: outside.port,
      failed,
      retired: retirement.drained,
      async stop() {
        door = 'closing'
        await inOrder([() => sessions.stop(), () => settleAll(), closeAll])
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Takes every step, also after one has failed: the machine is put back whatever went wrong. */
async function inOrder(steps: readonly (() => Promise<void> | void)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/**
 * What we ask, as published last, but never more than the chain says is in force: dearer terms would be punished.
 * Undefined while there is no offer.
 */
async function pricesInForce(
  { chain, identity }: Pick<Parts, 'chain' | 'identity'>,
  { home, price }: Settings,
): Promise<Settings['price'] | undefined> {
  const [offer, last] = await Promise.all([readOffer(chain, identity.address), readPublished(home)])
  if (!offer.live) return undefined
  return cheaper(last ? priceOf(last) : price, priceOf(offer))
}

const cheaper = (asked: Price, inForce: Price): Price => ({
  perMegabyte: smaller(asked.perMegabyte, inForce.perMegabyte),
  perHour: smaller(asked.perHour, inForce.perHour),
})

const closed = (door: Door): Door => (door === 'open' ? 'closing' : door)

function failure(): { failed: Promise<never>; fail: (error: unknown) => void } {
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Whoever awaits it hears of it; that nobody does yet is no failure of its own.
  failed.catch(() => undefined)
  return { failed, fail }
}

const bitsOf = (subnet: string): number => parseRange(subnet)?.bits ?? 0
