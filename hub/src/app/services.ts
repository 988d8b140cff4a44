import type { Address, Hex, Params, Result, Verdict } from '@pontage/shared'
import { type GasWatch, watchGas } from '@pontage/shared/node'
import { createProposalIndex } from '../io/chain/proposalIndex.js'
import type { ChainUpdate } from '../io/ledger.js'
import { createRecovery, type Recovery } from './clearing/recovery.js'
import { type Closer, createCloser } from './closing/close.js'
import { serveReleaseRequests } from './closing/releases.js'
import type { Components } from './components.js'
import { serveDrawRequests } from './drawing/drawRequest.js'
import { createDrawScheduler, type DrawScheduler } from './drawing/drawScheduler.js'
import { createWatchtower } from './drawing/protests.js'
import { createPublisher, type Publisher } from './liabilities/publisher.js'
import { createMarket, type Market } from './market/market.js'
import { onLead } from './operator/leadership.js'
import { createPoolWatch } from './operator/poolWatch.js'
import { createRelayer, type Relayer } from './relay/relay.js'
import { createReach } from './requests/reach.js'

/** What a hub does, each act by one of these. */
export interface Services {
  readonly drawScheduler: DrawScheduler
  readonly closer: Closer
  readonly recovery: Recovery
  readonly relayer: Relayer
  readonly market: Market
  readonly publisher: Publisher
  readonly gas: GasWatch
  readonly reach: (provider: Address, params: Params<'reach'>) => Promise<Verdict<{ value: Result<'reach'> }>>
  /** Fingerprint of the hub's TLS certificate, where it has one. */
  readonly certificate: () => Hex | undefined
  /** Finds again what a crash, or the process that led before, left undone. */
  resume(): void
  /** Takes in what changed on chain, without making anybody wait. */
  consider(update: ChainUpdate): void
  /** Does what is to be done again and again, until the signal. */
  run(signal: AbortSignal): Promise<unknown>
  /** Resolves when nothing is on its way. */
  idle(): Promise<unknown>
}

export function createServices(components: Components, certificate: () => Hex | undefined): Services {
  const { chain, home, typedData, clock, log, settings, sender } = components
  const drawScheduler = createDrawScheduler(components)
  const closer = createCloser(components, drawScheduler)
  const watchtower = createWatchtower(components, drawScheduler)
  const poolWatch = createPoolWatch(components)
  const gas = watchGas({
    ...components,
    warnBelow: settings.gasWarnBelow,
    otherwise: 'the hub can neither draw nor relay',
  })
  const index = createProposalIndex({ chain, typedData, home, log })
  const market = createMarket(components, index)
  const recovery = createRecovery(components)
  const publisher = createPublisher(components, recovery.judgeCollateral)
  const relayer = createRelayer(components, drawScheduler)
  const reach = createReach(index, chain, clock)
  const resume = () => {
    poolWatch.look()
    drawScheduler.consider()
    closer.resume()
  }
  return {
    ...{ drawScheduler, closer, recovery, relayer, market, publisher, gas, reach, certificate, resume },
    consider(update) {
      poolWatch.look()
      watchtower.note(update)
      recovery.consider(update)
      drawScheduler.consider()
      closer.resume()
    },
    run: (signal) =>
      Promise.all([
        gas.run(signal),
        onLead(components, settings.pollMs, signal, resume),
        sender.run(settings.pollMs, signal),
        index.run(settings.pollMs, signal),
        publisher.run(settings.liabilitiesEverySeconds ?? 0, signal),
        serveDrawRequests(components, drawScheduler, settings.pollMs, signal),
        serveReleaseRequests(components, signal),
      ]),
    idle: () => Promise.allSettled([drawScheduler.idle(), closer.idle(), watchtower.idle(), recovery.idle()]),
  }
}
