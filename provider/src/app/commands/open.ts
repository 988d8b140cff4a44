import { systemClock } from '@pontage/shared'
import {
  type Chain,
  createLog,
  createSender,
  createTypedData,
  type Identity,
  type KeyOptions,
  type Log,
  unlock,
} from '@pontage/shared/node'
import { GroupCommit } from '../../io/store/groupCommit.js'
import { HubTrustStore } from '../../io/store/hubTrustStore.js'
import { InvitationStore } from '../../io/store/invitationStore.js'
import { openOutbox } from '../../io/store/outboxStore.js'
import { PromiseStore } from '../../io/store/promiseStore.js'
import { SessionStore } from '../../io/store/sessionStore.js'
import { SettlementStore } from '../../io/store/settlementStore.js'
import { openDatabase } from '../../io/store/storeSchema.js'
import type { Components } from '../components.js'

/** Opens the store of a home and joins it with identity and chain. */
export function openComponents(
  home: string,
  identity: Identity,
  chain: Chain,
  log: Log,
): Components & { readonly closeStore: () => void } {
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
    invitations: new InvitationStore(db),
    log,
    closeStore() {
      commit.flush()
      db.close()
    },
  }
}

/** Opens the store of a home for a command that sends, and closes it again however the work ends. */
export async function withComponents<Result>(
  options: KeyOptions,
  chain: Chain,
  work: (components: Components) => Promise<Result>,
): Promise<Result> {
  const log = createLog('pontage-provider', options.logLevel)
  const components = openComponents(options.home, await unlock(options), chain, log)
  try {
    return await work(components)
  } finally {
    components.closeStore()
  }
}

/** The same, for what is only sent. */
export const withSender = <Result>(
  options: KeyOptions,
  chain: Chain,
  work: (sender: Components['sender']) => Promise<Result>,
): Promise<Result> => withComponents(options, chain, ({ sender }) => work(sender))
