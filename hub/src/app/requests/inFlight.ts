import { type Refusal, type RequestType, refuse, type Verdict } from '@pontage/shared'
import type { Handlers, Link } from '@pontage/shared/node'
import { Turns } from '../../core/turns.js'
import { LedgerUnavailable } from '../../io/ledger.js'
import type { Components } from '../components.js'
import type { Metrics } from '../operator/metrics.js'
import { costOf } from './requestCosts.js'

type Requests = NonNullable<Handlers['requests']>

/** Requests that take processor and disk and wait for nobody else; what they cost together while under way. */
const takesTurns: ReadonlySet<string> = new Set(['clear', 'recall', 'receipts'] satisfies RequestType[])
const costAtOnce = 500

/** The requests that are being answered, so that they can end before the ledger closes. */
export interface InFlight {
  /** Keeps count of what is asked of these, and takes nothing new once the hub is stopping. */
  guard(requests: Requests): Requests
  /** Resolves when what is under way now has ended. */
  idle(): Promise<unknown>
}

export function createInFlight(
  { clock, log }: Pick<Components, 'clock' | 'log'>,
  metrics: Metrics,
  stopping: AbortSignal,
): InFlight {
  const inFlight = new Set<Promise<unknown>>()
  const turns = new Turns(costAtOnce)
  const stopped: Refusal = { code: 'peer-gone', type: 'request' }
  return {
    idle: () => Promise.allSettled([...inFlight]),
    guard(requests) {
      const wrapped = Object.entries(requests).map(([type, handle]) => [
        type,
        (params: never, link: never): Promise<Verdict> => {
          if (stopping.aborted) return Promise.resolve(refuse(stopped))
          const began = clock.elapsedMs()
          const answer = async () =>
            (handle as (params: never, link: never) => Promise<Verdict>)(params, link)
          const work = takesTurns.has(type)
            ? turns.take((link as Link).peer, costOf(type as RequestType, params), answer)
            : answer()
          inFlight.add(work)
          return work
            .catch((error) => {
              if (!(error instanceof LedgerUnavailable)) throw error
              log.error('ledger unavailable', { type, reason: error.message })
              return refuse({ code: 'ledger-unavailable' })
            })
            .then((verdict) => {
              metrics.answered(type, verdict, (clock.elapsedMs() - began) / 1_000)
              return verdict
            })
            .finally(() => inFlight.delete(work))
        },
      ])
      return Object.fromEntries(wrapped)
    },
  }
}
