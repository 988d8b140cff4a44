import type { Hex } from '@pontage/shared'
import type { Handlers } from '@pontage/shared/node'
import { clear } from '../clearing/clear.js'
import { guarantee } from '../clearing/guarantee.js'
import type { Recovery } from '../clearing/recovery.js'
import type { Closer } from '../closing/close.js'
import type { Parts } from '../components.js'
import type { Treasury } from '../drawing/drawScheduler.js'
import type { Publisher } from '../liabilities/publisher.js'
import type { Market } from '../market/market.js'
import type { Relayer } from '../relay/relay.js'
import { describe } from './describe.js'
import { papers } from './heldPromises.js'
import { prefund } from './prefund.js'
import type { createReach } from './reach.js'
import { receipts } from './receipts.js'

/** Those who answer for the hub. */
interface Offices {
  readonly treasury: Treasury
  readonly closer: Closer
  readonly recovery: Recovery
  readonly relayer: Relayer
  readonly market: Market
  readonly publisher: Publisher
  readonly reach: ReturnType<typeof createReach>
  readonly certificate: Hex | undefined
}

/** Who answers which request. While the ledger is being rebuilt, nothing is promised that it may have forgotten. */
export function requestsOf(parts: Parts, offices: Offices): NonNullable<Handlers['requests']> {
  const { treasury, closer, recovery, relayer, market, publisher, reach, certificate } = offices
  return {
    describe: async () => ({ ok: true, value: await describe(parts, certificate) }),
    'relay-register': relayer.register,
    'relay-open': relayer.open,
    'relay-exit': relayer.exit,
    'relay-finish': relayer.finish,
    papers: (params, link) => papers(parts, params, link),
    prefund: (params, link) => prefund(parts, params, link),
    recall: recovery.recall,
    guarantee: async (params, link) => {
      const free = await recovery.judgeCollateral()
      return free.ok ? guarantee(parts, params, link) : free
    },
    reach: (_params, link) => reach(link.peer),
    clear: async (params, link) => {
      const known = recovery.judgeTotal(link.peer)
      if (!known.ok) return known
      return clear(parts, treasury, params, link, !(await recovery.judgeCollateral()).ok)
    },
    proposals: market.proposals,
    market: market.concentration,
    liability: publisher.liability,
    receipts: (params) => receipts(parts, params),
    'close-draft': async (params, link) => {
      const free = await recovery.judgeCollateral()
      return free.ok ? closer.draft(params, link) : free
    },
    conclude: async (params, link) => {
      const free = await recovery.judgeCollateral()
      return free.ok ? closer.conclude(params, link) : free
    },
  }
}
