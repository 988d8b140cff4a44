import type { Address, Bytes, Hex, Price, Wei } from '@pontage/shared'
import type { CarrierName } from '../../core/carrier.js'
import type { Choice } from '../../core/choose.js'
import type { StoredReceipt } from '../../core/journalEntry.js'
import type { Left } from '../../core/limits.js'
import type { Guaranteed, Session } from '../../core/session.js'
import type { PathMtu } from '../../io/kernel/pathMtu.js'
import type { Interference } from '../../io/kernel/upkeep.js'
import type { SessionReport } from '../session/runSession.js'
import type { Sessions } from './sums.js'
import type { Step } from './timings.js'

/** Most that a connect can cost, and what holds it there: the user's budget, ours, or what the channel holds. */
export interface MostToSpend {
  readonly amount: Wei
  readonly because: 'budget' | 'default' | 'channel' | 'top-ups'
}

/** What `connect` tells, for a person or for a program. */
export interface Screen {
  /** @param isNamed - Whether its user named this provider, whatever others cost. */
  chosen(
    choice: Choice & { chosen: NonNullable<Choice['chosen']> },
    most: MostToSpend,
    isNamed: boolean,
  ): void
  /** A provider that was asked did not begin to serve; the next one is asked. */
  refused(refused: { provider: Address; code: string | undefined; message: string }): void
  opened(channel: { channelId: Hex; hub: Address; relayFees: Wei }): void
  /** An empty channel was refilled before anything is connected. @param sentence - What was added */
  refilled(sentence: string): void
  connected(tunnel: {
    provider: Address
    country: string
    price: Price
    /** What cap and budget have left as this session begins, and what the channel has free. */
    atStart: { left: Left; channel: Wei }
    interface: string
    wireguard: 'kernel' | 'userspace'
    address4: string
    address6: string
    gateway4: string
    dns: readonly string[]
    /** Bytes after which the kernel stops everything; undefined when nothing does. */
    limit: Bytes | undefined
    /** What it follows from: a guarantee is raised on the way. */
    limitedBy: Guaranteed['limitedBy']
    /** The namespace of programs, where the tunnel is not for the whole machine. */
    netns: string | undefined
    path: PathMtu
    carrier: CarrierName
    /** What everything outside goes through, without its password; null where it goes straight. */
    proxy: string | null
    /** Whether what was recorded of it stays closed to a quantum computer. */
    postQuantum: boolean
    stepsMs: Partial<Record<Step, number>>
  }): void
  /** @param budget - Of this session; undefined where nothing limits it. */
  report(report: SessionReport, budget: Wei | undefined): void
  /** Somebody else changed what the connection relies on: it was put back, or could not be. */
  interfered(interference: Interference): void
  /** The tunnel's packets travel by something else from now on; the session goes on. */
  carried(carrier: CarrierName): void
  /** Something that was wanted is not there; the connection goes on. */
  warned(sentence: string): void
  /** A provider failed; the kill switch stands, and the next one is asked. */
  failedOver(session: Session, receipt: StoredReceipt): void
  /** All is over. @param sessions - Every session there was, at least one; the last one is `session`. */
  ended(session: Session, sessions: Sessions): void
}
