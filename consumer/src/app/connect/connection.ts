import { type Address, type Bytes, bytes, wei } from '@pontage/shared'
import type { CarrierWish } from '../../core/carrier.js'
import { type ConnectionEvent, type ConnectionState, next } from '../../core/connectionState.js'
import type { PastSession } from '../../core/heldBack.js'
import type { StoredReceipt } from '../../core/journalEntry.js'
import type { Limits, Used } from '../../core/limits.js'
import { policyOf } from '../../core/policy.js'
import type { Session } from '../../core/session.js'
import { type ConnectionRecord, writeConnection } from '../../io/home/connectionFile.js'
import type { Journal } from '../../io/home/journal.js'
import type { DnsChange } from '../../io/kernel/dns.js'
import { enforce } from '../../io/kernel/tunnel.js'
import type { Upkeep } from '../../io/kernel/upkeep.js'
import type { Context } from '../context.js'
import type { Path, PathWishes } from './findPaths.js'
import type { Screen } from './screen.js'

/** What the user asked for. */
export interface ConnectWishes extends PathWishes {
  readonly interface: string | undefined
  /** Whether the local network may be talked to behind the kill switch. */
  readonly allowLan: boolean
  /** Names of devices whose machines go out through the tunnel, too. */
  readonly gatewayFor: readonly string[]
  /** Resolvers to ask through the tunnel; undefined: the provider's own. */
  readonly resolvers: readonly string[] | undefined
  /** What the tunnel's packets are to travel by. */
  readonly carrier: CarrierWish
  /** Namespace of programs that the tunnel is for; left out: the whole machine. */
  readonly netns: string | undefined
  /** How long a provider that fell silent is waited for before the next one is tried. */
  readonly patienceMs: number
  /** How long to go on asking all of them before giving up; undefined: for ever. */
  readonly retryForMs: number | undefined
}

/** A session that is over, with its receipt. */
export interface EndedSession extends PastSession {
  readonly id: string
  readonly session: Session
  readonly receipt: StoredReceipt
}

interface Components {
  readonly context: Context
  readonly journal: Journal
  readonly wishes: ConnectWishes
  readonly screen: Screen
  /** Aborted when the user has had enough. */
  readonly stop: AbortSignal
  /** Every provider that may be used. */
  readonly paths: readonly Path[]
  /** Keeps in force what stands on the machine. */
  readonly upkeep: Upkeep
  /** The user's, with the budget that follows from them where there is none; a new month may bring another. */
  limits: Limits
}

/** One `connect`, through all the providers it uses. */
export interface Connection extends Components {
  readonly ended: EndedSession[]
  /** Bytes that passed tunnels on which payment never began. */
  neverPaid: Bytes
  /** What stands on the machine; undefined before the first tunnel. */
  readonly record: ConnectionRecord | undefined
  /**
   * Takes an event, and puts the state that follows into force on this machine.
   *
   * @param news.asked - Where the provider that is asked takes payments.
   * @param news.planned - What is about to be changed for the tunnel that was agreed.
   */
  move(event: ConnectionEvent, news?: Parameters<typeof enforce>[3]): Promise<void>
  /** Notes that somebody else wrote the resolver file: the machine gets that back in the end. */
  remember(dns: DnsChange): Promise<void>
}

/** What sessions that are over, and tunnels that never became one, used and spent. */
export const usedBy = ({ ended, neverPaid }: Pick<Connection, 'ended' | 'neverPaid'>): Used => ({
  bytes: bytes(ended.reduce<bigint>((sum, { receipt }) => sum + BigInt(receipt.bytes), neverPaid)),
  spent: wei(ended.reduce((sum, { receipt }) => sum + receipt.spent, 0n)),
})

/** A connection that has not begun. */
export function createConnection(components: Components): Connection {
  let state: ConnectionState = { name: 'disconnected' }
  let record: ConnectionRecord | undefined
  return {
    ...components,
    ended: [],
    neverPaid: bytes(0n),
    get record() {
      return record
    },
    async move(event, news = {}) {
      state = next(state, event)
      const { context, upkeep } = components
      record = await enforce({ home: context.home, upkeep }, policyOf(state.name), record, news)
    },
    async remember(dns) {
      if (record === undefined) return
      record = { ...record, dns }
      await writeConnection(components.context.home, record)
    },
  }
}

/** A provider that did not begin to serve; the next one may. */
export class PathRefused extends Error {
  constructor(
    readonly provider: Address,
    override readonly cause: Error,
  ) {
    super(cause.message)
  }

  /** The code of the refusal, ours or the provider's; undefined where it was none. */
  get code(): string | undefined {
    const { code, peerCode } = (this.cause.cause ?? {}) as Record<string, unknown>
    const said = peerCode ?? code
    return typeof said === 'string' ? said : undefined
  }
}
