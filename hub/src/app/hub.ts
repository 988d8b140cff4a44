import { X509Certificate } from 'node:crypto'
import { type Clock, systemClock } from '@pontage/shared'
import {
  type Chain,
  createSender,
  createTypedData,
  fingerprintOf,
  type Identity,
  type Limits,
  type Log,
  listenLinks,
  reasonOf,
  type TlsPair,
  UserError,
} from '@pontage/shared/node'
import { honestRules, type Rules } from '../core/rules.js'
import { createChainWatch } from '../io/chain/chainWatch.js'
import { createProposalIndex } from '../io/chain/proposalIndex.js'
import type { Ledger } from '../io/ledger.js'
import { type HttpAnswer, serveHttp } from '../io/link/httpRoutes.js'
import { pause } from '../io/pause.js'
import { startSigners } from '../io/signing/signers.js'
import { createRecovery } from './clearing/recovery.js'
import { createCloser } from './closing/close.js'
import type { Components, HubSettings } from './components.js'
import { ConnectedPeers } from './connectedPeers.js'
import { serveDrawRequests } from './drawing/drawRequest.js'
import { createDrawScheduler } from './drawing/drawScheduler.js'
import { createWatchtower } from './drawing/protests.js'
import { createPublisher } from './liabilities/publisher.js'
import { leafRoute, liabilitiesRoute } from './liabilities/routes.js'
import { createMarket } from './market/market.js'
import { marketRoute, proposalsRoute } from './market/proposals.js'
import { createGasWatch } from './operator/gasWatch.js'
import { health, readiness } from './operator/health.js'
import { onLead } from './operator/leadership.js'
import { createMetrics } from './operator/metrics.js'
import { createPoolWatch } from './operator/poolWatch.js'
import { createRelayer } from './relay/relay.js'
import { createInFlight } from './requests/inFlight.js'
import { createReach } from './requests/reach.js'
import { requestsOf } from './requests/requests.js'

/** Milliseconds that transactions under way are waited for when the hub is to stop. */
const graceMs = 20_000

/** A hub at work. */
export interface RunningHub {
  readonly port: number
  /** Stops taking requests, ends what is under way, closes the ledger. */
  close(): Promise<void>
}

/**
 * Starts a hub: reads what happened on chain since it last ran, then listens.
 *
 * @param options.rules - Its decisions; the honest ones unless somebody injects others.
 */
export async function startHub(options: {
  chain: Chain
  identity: Identity
  ledger: Ledger
  host: string
  port: number
  tls?: TlsPair
  settings: HubSettings
  limits?: Partial<Limits>
  rules?: Rules
  clock?: Clock
  log: Log
}): Promise<RunningHub> {
  const { chain, identity, ledger, host, port, tls, settings, log } = options
  const { rules = honestRules, clock = systemClock, limits = {} } = options
  await ledger.bind(identity.address, chain.deployment)
  const typedData = createTypedData(chain.deployment)
  const stop = new AbortController()
  const stopSending = new AbortController()
  const metrics = createMetrics()
  let draining = false
  const watch = createChainWatch({
    chain,
    ledger,
    hub: identity.address,
    clock,
    log,
    onChange: (update) => {
      if (stop.signal.aborted) return
      poolWatch.look()
      watchtower.note(update)
      recovery.consider(update)
      drawScheduler.consider()
      closer.resume()
    },
  })
  const components: Components = {
    identity,
    typedData,
    chain,
    sender: metrics.counting(
      createSender(chain, identity, {
        outbox: ledger.outbox,
        isWriter: () => ledger.leads(),
        log,
        signal: stopSending.signal,
      }),
    ),
    ledger,
    signers: startSigners(chain.deployment),
    watch,
    rules,
    clock,
    log,
    settings,
    peers: new ConnectedPeers(),
  }
  const drawScheduler = createDrawScheduler(components)
  const closer = createCloser(components)
  const watchtower = createWatchtower(components)
  const poolWatch = createPoolWatch(components)
  const gas = createGasWatch(components)
  const index = createProposalIndex({ chain, typedData, log })
  const market = createMarket(components, index)
  const recovery = createRecovery(components)
  const publisher = createPublisher(components, recovery.judgeCollateral)
  const relayer = createRelayer(components)
  const reach = createReach(index, clock)
  await watch.catchUp().catch(async (cause) => {
    await Promise.all([ledger.close(), components.signers.close()])
    throw new UserError(`The chain cannot be followed: ${reasonOf(chain, cause)} Check --rpc.`, { cause })
  })
  await recovery.begin().catch(async (error) => {
    stop.abort()
    stopSending.abort()
    await Promise.allSettled([
      drawScheduler.idle(),
      closer.idle(),
      watchtower.idle(),
      recovery.idle(),
      components.signers.close(),
    ])
    await ledger.close()
    throw error
  })
  // What a crash left undone is found again, also when nothing new happened on chain.
  const resume = () => {
    drawScheduler.consider()
    closer.resume()
  }
  resume()
  const following = Promise.all([
    watch.run(settings.pollMs, stop.signal),
    gas.run(stop.signal),
    onLead(components, settings.pollMs, stop.signal, resume),
    components.sender.run(settings.pollMs, stop.signal),
    index.run(settings.pollMs, stop.signal),
    publisher.run(settings.liabilitiesEverySeconds ?? 0, stop.signal),
    serveDrawRequests(components, drawScheduler, settings.pollMs, stop.signal),
  ])

  const certificate = tls && fingerprintOf(new X509Certificate(tls.certificate).raw)
  const services = { drawScheduler, closer, recovery, relayer, market, publisher, reach, certificate }
  const inFlight = createInFlight(components, metrics, stop.signal)
  const requests = inFlight.guard(requestsOf(components, services))
  /** What is under way may end by itself; a transaction that no block takes is recorded, and goes on at the next start. */
  const end = async () => {
    stop.abort()
    const ending = Promise.allSettled([
      inFlight.idle(),
      drawScheduler.idle(),
      closer.idle(),
      watchtower.idle(),
      recovery.idle(),
    ])
    await Promise.race([ending, pause(graceMs, stopSending.signal)])
    stopSending.abort()
    await ending
  }
  const shutDown = async () => {
    await end()
    await Promise.all([following, components.signers.close()])
    await ledger.close()
    metrics.close()
  }
  const listening = await listenLinks({
    host,
    port,
    ...(tls ? { tls } : {}),
    self: { identity, typedData, clock },
    accept: () => ({ requests }),
    joined: (link) => components.peers.join(link),
    limits,
    log,
  }).catch(async (error) => {
    await shutDown()
    throw error
  })
  serveHttp(
    listening,
    {
      '/healthz': () => health(components),
      '/readyz': () => readiness(components, draining),
      '/proposals': proposalsRoute(chain, market),
      '/market': marketRoute(chain, market),
      '/liabilities': liabilitiesRoute(chain, publisher),
      '/liabilities/leaf': leafRoute(publisher),
      '/metrics': (_query, from) =>
        settings.publicMetrics || isLoopback(from) ? metrics.page(components, gas) : metricsAreHidden,
    },
    log,
  )
  log.info('listening', { port: listening.port, host, hub: identity.address, certificate })
  return {
    port: listening.port,
    async close() {
      draining = true
      await pause(settings.drainSeconds * 1_000, stop.signal)
      await end()
      await listening.close()
      await shutDown()
      log.info('stopped')
    },
  }
}

const isLoopback = (from: string): boolean => /^(::ffff:)?127\.|^::1$/.test(from)

const metricsAreHidden: HttpAnswer = {
  status: 403,
  body: {
    error: 'Metrics are shown to the hub’s own machine. Its operator may run it with --public-metrics.',
  },
}
