import { type Address, type Hex, refuse, roles } from '@pontage/shared'
import {
  type Handlers,
  type Link,
  type Listening,
  listenLinks,
  routeTo,
  UserError,
  wireguardKeyToHex,
} from '@pontage/shared/node'
import { AddressPool } from '../core/addressPool.js'
import { overlap, parseRange } from '../core/addressRange.js'
import { parseExitPolicy } from '../core/exitPolicy.js'
import { ownCertificate } from '../io/certificate.js'
import { readHub, readMaxGuarantee, readOffer } from '../io/chainViews.js'
import { type HubLink, keepHubLink } from '../io/hubLink.js'
import { prepareMachine } from '../io/machine.js'
import { chooseResolvers, chooseUplink, readDevices, readRoutes } from '../io/network.js'
import { ownWireguardKeys } from '../io/wireguardKey.js'
import { createAdmission } from './admission.js'
import { CreditLines } from './creditLines.js'
import type { Parts } from './parts.js'
import { createPromiseDesk } from './promiseDesk.js'
import { publishOffer } from './publish.js'
import { recoverMachine } from './recover.js'
import { createReleaseDesk } from './releaseDesk.js'
import { Sessions } from './sessions.js'
import type { Settings } from './settings.js'
import { Settlement } from './settle.js'
import { createWatch } from './watch.js'

/** A provider that serves. */
export interface Serving {
  readonly port: number
  /** Ends the sessions, clears and redeems what they brought, and puts the machine back as it was. */
  stop(): Promise<void>
  /** Rejects when it cannot go on: the disk or the kernel fails. */
  readonly failed: Promise<never>
}

/**
 * Starts a provider: what a crash left is undone, the offer published, tunnels and firewall made, and consumers
 * accepted. What was opened is closed again when a later step fails.
 *
 * @throws UserError for everything the owner can mend.
 */
export async function serve(parts: Parts, settings: Settings): Promise<Serving> {
  const { identity, typedData, clock, chain, promises, log } = parts
  const closers: (() => Promise<void> | void)[] = []
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)
  try {
    await recoverMachine(parts, settings.home)
    const pool = new AddressPool(settings, settings.maxSessions)
    const policy = parseExitPolicy(settings.exitPolicy)
    const network = await planNetwork(settings)
    for (const hub of settings.hubs) await demandHub(hub)
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

    const lines = new CreditLines(promises)
    const settlements = new Map<Address, Settlement>()
    const hubs = new Map<Address, HubLink>()
    let handlers: Handlers = {}
    let stopping = false
    const listen = (host: string, port: number): Promise<Listening> =>
      listenLinks({
        host,
        port,
        tls: certificate,
        self: { identity, typedData, clock },
        accept: () => handlers,
        log,
      })
    // Its own socket on the gateway's address: only consumers reach it, and the port is free for sure.
    const inside = await listen(pool.gateway.address4, 0)
    closers.push(() => inside.close())
    const firewall = await machine.raise(inside.port)

    const sessions = new Sessions(parts, machine, firewall, {
      ended: (live) => {
        void settlements.get(live.record.hub)?.settle()
      },
      left: (live) => pool.free(live.addresses),
      failed: fail,
    })
    closers.push(() => sessions.stop())

    const maxGuaranteeSeconds = await readMaxGuarantee(chain)
    const release = createReleaseDesk(parts, {
      lines,
      sessions,
      settlementWith: (hub) => settlements.get(hub),
      maxGuaranteeSeconds,
    })
    const guaranteed = (channelId: Hex) => {
      const ceiling = lines.refresh(channelId)?.ceiling
      if (ceiling !== undefined) sessions.guaranteed(channelId, ceiling)
    }
    // Hubs that are no longer offered are still settled with, as long as there are promises under them.
    for (const hub of new Set([...settings.hubs, ...promises.hubs()])) {
      const link = keepHubLink({
        hub,
        findUrl: async () => (await readHub(chain, hub)).url,
        identity,
        typedData,
        clock,
        handlers: { requests: { release } },
        log,
      })
      closers.push(() => link.close())
      hubs.set(hub, link)
      settlements.set(
        hub,
        new Settlement(parts, hub, link, settings.redeem, maxGuaranteeSeconds, { guaranteed }),
      )
    }

    await publishOffer(parts, settings, { wireguardKey, certificate: certificate.fingerprint })
    let price = await pricesInForce()
    let nextKey = parts.sessions.nextKey()
    const admission = createAdmission(parts, {
      settings,
      sessions,
      lines,
      pool,
      hubs: new Map(settings.hubs.flatMap((hub) => [...hubs].filter(([each]) => each === hub))),
      wireguardKey,
      paymentPort: inside.port,
      dns: [
        ...(network.resolver4 === undefined ? [] : [pool.gateway.address4]),
        ...(network.resolver6 === undefined ? [] : [pool.gateway.address6]),
      ],
      maxGuaranteeSeconds,
      price: () => price,
      nextKey: () => nextKey++,
    })
    const takePromise = createPromiseDesk(parts, lines, {
      stored: (channelId, total) => sessions.promised(channelId, total),
      failed: fail,
    })
    handlers = {
      requests: {
        terms: admission.terms,
        open: (params, link) =>
          stopping ? refuse({ code: 'provider-stopping' }) : admission.open(params, link),
        attach: ({ session }, link) => {
          const attached = sessions.attach(session, link)
          return attached.ok ? { ok: true, value: { paid: attached.session.paid } } : attached
        },
        end: ({ session }, link) => endSession(session, link),
      },
      frame: takePromise,
    }
    const endSession = async (id: string, link: Link) => {
      const known = sessions.attach(id, link)
      if (!known.ok) return known
      const account = await sessions.end(id, { code: 'requested' })
      return account === undefined
        ? refuse({ code: 'unknown-session', session: id })
        : { ok: true as const, value: account }
    }

    const watch = await createWatch(parts, sessions, settlements, settings.clearEverySeconds, async () => {
      price = await pricesInForce()
    })
    closers.push(() => watch.stop())
    const outside = await listen(settings.listen.host, settings.listen.port)
    closers.push(() => outside.close())
    log.info('listening', {
      port: outside.port,
      endpoint: `${settings.endpoint.host}:${settings.endpoint.port}`,
      wireguardPort: settings.wireguardPort,
      wireguard: machine.tunnel.kind,
      interface: machine.tunnel.name,
      uplink: network.uplink,
    })
    watch.settleNow()
    return {
      port: outside.port,
      failed,
      async stop() {
        stopping = true
        await sessions.stop()
        await Promise.all([...settlements.values()].map((settlement) => settlement.settle()))
        await closeAll()
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }

  async function demandHub(hub: Address): Promise<void> {
    const view = await readHub(chain, hub)
    if ((view.roles & roles.hub) === 0)
      throw new UserError(`${hub} is not registered as a hub on this chain. Check --hub and --deployment.`)
  }

  /** What we ask, but never more than the chain says is in force: dearer terms would be punished. */
  async function pricesInForce() {
    const offer = await readOffer(chain, identity.address)
    const least = (wanted: bigint, inForce: bigint) => (inForce < wanted ? inForce : wanted)
    return {
      perMegabyte: least(settings.price.perMegabyte, offer.pricePerMegabyte),
      perHour: least(settings.price.perHour, offer.pricePerHour),
    }
  }
}

/** Devices, resolvers and networks of this machine as they concern us. */
async function planNetwork(settings: Settings) {
  const [routes, devices, resolvers] = await Promise.all([
    readRoutes(),
    readDevices(),
    chooseResolvers(settings.resolvers),
  ])
  for (const text of [settings.subnet4, settings.subnet6]) {
    const range = parseRange(text)
    for (const { to, device } of routes) {
      const taken = parseRange(to)
      if (range && taken && taken.bits > 0 && overlap(range, taken))
        throw new UserError(
          `The subnet ${text} for tunnels overlaps ${to} on ${device}. Choose another --subnet4 or --subnet6.`,
        )
    }
  }
  const uplink = chooseUplink(settings.uplink, routes, devices)
  const onLink6 = routes.flatMap(({ to }) => (parseRange(to)?.family === 6 ? [to] : []))
  return {
    uplink,
    ...resolvers,
    // Link-local and unique local ones are closed anyway.
    ownNetworks6: [...new Set(onLink6)].filter((to) => !/^f[cdef]/i.test(to)),
    // Answers of a resolver may come in on another device than the uplink.
    devices: [...new Set([uplink, ...(await devicesTowards(resolvers))])],
  }
}

async function devicesTowards(resolvers: { resolver4: string | undefined; resolver6: string | undefined }) {
  const found = await Promise.all(
    [resolvers.resolver4, resolvers.resolver6].map((address) =>
      address === undefined ? undefined : routeTo(address),
    ),
  )
  return found.flatMap((route) => (route === undefined || route.device === 'lo' ? [] : [route.device]))
}

const bitsOf = (subnet: string): number => parseRange(subnet)?.bits ?? 0
