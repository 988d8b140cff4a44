import type { Clock } from '@pontage/shared'
import type { Chain, DurableSender, Identity, Log, TypedData } from '@pontage/shared/node'
import type { GroupCommit } from '../io/store/groupCommit.js'
import type { HubTrustStore } from '../io/store/hubTrustStore.js'
import type { InvitationStore } from '../io/store/invitationStore.js'
import type { PromiseStore } from '../io/store/promiseStore.js'
import type { SessionStore } from '../io/store/sessionStore.js'
import type { SettlementStore } from '../io/store/settlementStore.js'

/** What every part of a running provider works with. */
export interface Components {
  readonly identity: Identity
  readonly typedData: TypedData
  readonly clock: Clock
  readonly chain: Chain
  readonly sender: DurableSender
  readonly promises: PromiseStore
  readonly commit: GroupCommit
  readonly sessions: SessionStore
  readonly settlements: SettlementStore
  readonly trust: HubTrustStore
  readonly invitations: InvitationStore
  readonly log: Log
}
