import type { Hex } from '@pontage/shared'
import type { HubSettings } from '../app/components.js'
import { tokens } from '../app/world.fixture.js'

/** Where a record has just been made and its effect has not: the call named has returned for the nth time. */
export interface Death {
  readonly after: string
  readonly times: number
}

/** What a process is to run. */
export interface VictimOrders {
  readonly rpc: string
  readonly deploymentFile: string
  readonly key: Hex
  /** A file, or the URL of a PostgreSQL database. */
  readonly ledger: string
  readonly death?: Death
}

/** The calls a hub can be made to die behind. */
export const deathPoints = [
  'credit',
  'grant',
  'recordRelayed',
  'countRelayJob',
  'recordClosing',
  'applyChain',
  'outbox.add',
  'outbox.put',
  'broadcast',
] as const

export const chaosSettings = (): HubSettings => ({
  relayFee: tokens('0.01'),
  relaysPerDay: 1_000_000,
  relaysPerDayInAll: 1_000_000,
  gasWarnBelow: 0n,
  drainSeconds: 0,
  publicMetrics: false,
  guaranteeSeconds: 3_600,
  drawAbove: tokens('0.02'),
  pollMs: 20,
})
