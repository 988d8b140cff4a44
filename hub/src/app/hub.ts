import { type Clock, systemClock } from '@pontage/shared'
import {
  type Chain,
  Closers,
  createSender,
  createTypedData,
  type Identity,
  type Limits,
  type Log,
  listenLinks,
  type PageFile,
  type Presented,
  presentedFingerprint,
  readStandings,
  reasonOf,
  UserError,
} from '@pontage/shared/node'
import { honestRules, type Rules } from '../core/rules.js'
import { createChainWatch } from '../io/chain/chainWatch.js'
import { Standings } from '../io/chain/standings.js'
import { type Ledger, LedgerUnavailable } from '../io/ledger.js'
import { serveHttp } from '../io/link/httpRoutes.js'
import { pause } from '../io/pause.js'
import { startSigners } from '../io/signing/signers.js'
import { createStamps } from '../io/signing/stamps.js'
import { KnownTabs } from './clearing/knownTabs.js'
import type { Components, HubSettings } from './components.js'
import { ConnectedPeers } from './connectedPeers.js'
import { watchCertificate } from './operator/certificateWatch.js'
import { createMetrics, type Metrics } from './operator/metrics.js'
import { type HubView, viewOf } from './operator/view.js'
import { pagesOf } from './pages.js'
import { createInFlight } from './requests/inFlight.js'
import { costOf, pageCostOf } from './requests/requestCosts.js'
import { requestsOf } from './requests/requests.js'
import { createServices } from './services.js'

/** Milliseconds that transactions under way are waited for when the hub is to stop. */
const graceMs = 20_000

/** A hub at work. */
export interface RunningHub {
  readonly port: number
  /** How it stands now. */
  view(): Promise<HubView>
  /** Stops taking requests, ends what is under way, closes the ledger. */
  close(): Promise<void>
}

export interface HubOptions {
  readonly chain: Chain
  /** Where what was read of the chain is kept; in memory when left out. */
  readonly home?: string
  readonly identity: Identity
  /** Closed with the hub, also when it does not start. */
  readonly ledger: Ledger
  readonly host: string
  readonly port: number
  /** The certificate that those who connect are shown; none when left out. */
  readonly presented?: Presented
  /** Reads it again, so that a renewed one is taken up. */
  readonly readPresented?: () => Promise<Presented>
  readonly settings: HubSettings
  /** Pages for a browser that everybody may look at; none when left out. */
  readonly pages?: ReadonlyMap<string, PageFile>
  readonly limits?: Partial<Limits>
  /** Its decisions; the honest ones unless somebody injects others. */
  readonly rules?: Rules
  readonly clock?: Clock
  readonly log: Log
}

/** Starts a hub: reads what happened on chain since it last ran, then listens. */
export async function startHub(options: HubOptions): Promise<RunningHub> {
  const closers = new Closers()
  try {
    return await open(options, closers)
  } catch (error) {
    await closers
      .close()
      .catch((failed: Error) => options.log.error('not closed', { reason: failed.message }))
    throw error
  }
}

/** Builds everything in order, what relies on nothing first, and listens last. */
async function open(options: HubOptions, closers: Closers): Promise<RunningHub> {
  const { chain, identity, settings, limits = {}, log } = options
  const ledger = closers.opened('ledger', options.ledger)
  await ledger.bind(identity.address, chain.deployment)
  const metrics = closers.opened('metrics', createMetrics())
  const sending = new AbortController()
  const components = createComponents(options, metrics, sending.signal)
  closers.opened('signers', components.signers)
  const { watch, peers } = components
  await watch.catchUp().catch((cause) => {
    if (cause instanceof LedgerUnavailable) throw cause
    throw new UserError(`The chain cannot be followed: ${reasonOf(chain, cause)} Check --rpc.`, { cause })
  })

  let presented = options.presented ?? {}
  const services = createServices(components, () => presentedFingerprint(presented))
  const stopping = new AbortController()
  const inFlight = createInFlight(components, metrics, stopping.signal)
  /** What is under way may end by itself; a transaction that no block takes is recorded, and goes on at the next start. */
  const endWork = async () => {
    stopping.abort()
    // The last requests may begin work that outlives their answers.
    const ending = Promise.allSettled([inFlight.idle()]).then(() => services.idle())
    await Promise.race([ending, pause(graceMs, sending.signal)])
    sending.abort()
    await ending
  }
  let ended: Promise<void> | undefined
  const end = () => {
    ended ??= endWork()
    return ended
  }
  closers.add('work under way', end)
  ledger.onSetback(services.recovery.restart)
  await services.recovery.begin()
  services.resume()
  watch.subscribe((update) => {
    if (!stopping.signal.aborted) services.consider(update)
  })
  const loops = Promise.all([watch.run(settings.pollMs, stopping.signal), services.run(stopping.signal)])
  closers.add('loops', async () => {
    await end()
    await loops
  })

  const { typedData, clock } = components
  const requests = inFlight.guard(requestsOf(components, services))
  const listening = await listenLinks({
    ...{ host: options.host, port: options.port, limits, log },
    ...presented,
    self: { identity, typedData, clock },
    accept: () => ({ requests, costOf }),
    joined: (link) => peers.join(link),
  })
  // Whoever waits for an answer gets it before its connection ends.
  closers.add('connections', async () => {
    await end()
    await listening.close()
  })
  if (options.readPresented) {
    const take = (renewed: Presented) => {
      presented = renewed
      listening.renew(renewed)
    }
    const renewing = watchCertificate(components, presented, options.readPresented, take, stopping.signal)
    closers.add('certificate', async () => {
      await end()
      await renewing
    })
  }
  let isDraining = false
  serveHttp(
    listening,
    pagesOf(components, services, metrics, () => isDraining, options.pages ?? new Map()),
    pageCostOf,
    log,
  )
  const { port } = listening
  const certificate = presentedFingerprint(presented)
  log.info('listening', { port, host: options.host, hub: identity.address, certificate })
  return {
    port,
    view: () => viewOf(components, services, metrics),
    async close() {
      isDraining = true
      await pause(settings.drainSeconds * 1_000, stopping.signal)
      await closers.close()
      log.info('stopped')
    },
  }
}

function createComponents(options: HubOptions, metrics: Metrics, sending: AbortSignal): Components {
  const { chain, identity, ledger, settings, log } = options
  const { rules = honestRules, clock = systemClock } = options
  const sender = createSender(chain, identity, {
    outbox: ledger.outbox,
    isWriter: () => ledger.leads(),
    log,
    signal: sending,
  })
  return {
    ...{ chain, home: options.home, identity, ledger, settings, rules, clock, log },
    typedData: createTypedData(chain.deployment),
    sender: metrics.counting(sender),
    signers: startSigners(chain.deployment),
    stamps: createStamps(identity.privateKey, chain.deployment),
    watch: createChainWatch({ chain, ledger, hub: identity.address, clock, log }),
    standings: new Standings((identities) => readStandings(chain, identities)),
    knownTabs: new KnownTabs(ledger),
    peers: new ConnectedPeers(),
  }
}
