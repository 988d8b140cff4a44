import type { Address } from '@pontage/shared'
import type { PastSession } from '../../core/heldBack.js'
import type { StoredReceipt } from '../../core/journalEntry.js'
import type { Session } from '../../core/session.js'
import type { ConnectionRecord } from '../../io/home/connectionFile.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import type { PathWishes } from './findPaths.js'
import type { Screen } from './screen.js'

/** What the user asked for. */
export interface ConnectWishes extends PathWishes {
  readonly interface: string | undefined
  /** Whether the local network may be talked to behind the kill switch. */
  readonly allowLan: boolean
  /** Namespace of programs that the tunnel is for; left out: the whole machine. */
  readonly netns: string | undefined
  /** How long a provider that fell silent is waited for before the next one is tried. */
  readonly patienceMs: number
  /** How long to go on asking all of them before giving up. */
  readonly retryForMs: number
}

/** A session that is over, with its receipt. */
export interface EndedSession extends PastSession {
  readonly id: string
  readonly session: Session
  readonly receipt: StoredReceipt
}

/** One `connect`, through all the providers it uses. */
export interface Connection {
  readonly context: Context
  readonly journal: Journal
  readonly wishes: ConnectWishes
  readonly screen: Screen
  /** Aborted when the user has had enough. */
  readonly stop: AbortSignal
  readonly ended: EndedSession[]
  /** What stands on the machine; undefined before the first tunnel. */
  record: ConnectionRecord | undefined
  /** Whether somebody was told that the machine is connected, so that a failure has to keep it shut. */
  isReliedOn: boolean
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
