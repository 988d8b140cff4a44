import { systemClock } from '@pontage/shared'
import { type Chain, createSender, createTypedData, type Identity, type Log } from '@pontage/shared/node'
import { GroupCommit } from '../../io/groupCommit.js'
import { HubTrustStore } from '../../io/hubTrustStore.js'
import { openOutbox } from '../../io/outboxStore.js'
import { PromiseStore } from '../../io/promiseStore.js'
import { SessionStore } from '../../io/sessionStore.js'
import { SettlementStore } from '../../io/settlementStore.js'
import { openDatabase } from '../../io/storeSchema.js'
import type { Parts } from '../parts.js'

/** Opens the store of a home and joins it with identity and chain. */
export function openParts(
  home: string,
  identity: Identity,
  chain: Chain,
  log: Log,
): Parts & { readonly closeStore: () => void } {
  const db = openDatabase(home)
  const promises = new PromiseStore(db)
  const commit = new GroupCommit(promises)
  return {
    identity,
    typedData: createTypedData(chain.deployment),
    clock: systemClock,
    chain,
    sender: createSender(chain, identity, { outbox: openOutbox(db), log }),
    promises,
    commit,
    sessions: new SessionStore(db),
    settlements: new SettlementStore(db),
    trust: new HubTrustStore(db),
    log,
    closeStore() {
      commit.flush()
      db.close()
    },
  }
}
