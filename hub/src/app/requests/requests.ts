import type { Handlers } from '@pontage/shared/node'
import { clear } from '../clearing/clear.js'
import { guarantee } from '../clearing/guarantee.js'
import type { Components } from '../components.js'
import type { Services } from '../services.js'
import { createDescribe } from './describe.js'
import { heldPromises } from './heldPromises.js'
import { prefund } from './prefund.js'
import { receipts } from './receipts.js'

/** Who answers which request. While the ledger is being rebuilt, nothing is promised that it may have forgotten. */
export function requestsOf(components: Components, services: Services): NonNullable<Handlers['requests']> {
  const { drawScheduler, closer, recovery, relayer, market, publisher, reach, certificate } = services
  const describe = createDescribe(components, certificate)
  return {
    describe: async () => ({ ok: true, value: await describe() }),
    'relay-register': relayer.register,
    'relay-open': relayer.open,
    'relay-exit': relayer.exit,
    'relay-finish': relayer.finish,
    'held-promises': (params, link) => heldPromises(components, params, link),
    'relay-deposit': relayer.deposit,
    'relay-repay': relayer.repay,
    'relay-unbond': relayer.unbond,
    'relay-withdraw': relayer.withdraw,
    'relay-collect': relayer.collect,
    prefund: (params, link) => prefund(components, params, link),
    recall: recovery.recall,
    guarantee: async (params, link) => {
      const free = await recovery.judgeCollateral()
      return free.ok ? guarantee(components, params, link) : free
    },
    reach: (params, link) => reach(link.peer, params),
    clear: async (params, link) => {
      const known = recovery.judgeTotal(link.peer)
      if (!known.ok) return known
      return clear(components, drawScheduler, params, link, !(await recovery.judgeCollateral()).ok)
    },
    proposals: market.proposals,
    market: market.concentration,
    liability: publisher.liability,
    receipts: (params) => receipts(components, params),
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
