import { computed, type Signal, signal } from '@preact/signals'
import type { Units } from '../../shared/pages/amounts.js'
import type { Points } from '../../shared/pages/curve.js'
import { type Answer, follow } from '../../shared/pages/server.js'
import { createSpeeds } from '../../shared/pages/speeds.js'

export type State =
  | 'disconnected'
  | 'connecting'
  | 'connected'
  | 'suspended'
  | 'reconnecting'
  | 'blocked'
  | 'crashed'

interface Allowance {
  readonly used: string
  readonly left: string
}

/** What is lent to another machine. */
export interface Lending {
  readonly name: string
  readonly state: 'seeking' | 'lent' | 'suspended' | 'waiting' | 'over' | 'not running'
  readonly reason: string | null
  readonly provider: string | null
  readonly budget: readonly string[]
  readonly cap: readonly string[]
  readonly rate: string | null
  readonly spent: string
  readonly bytes: number
  readonly today: { readonly spent: string; readonly bytes: number }
}

/** As `pontage status --json` prints it. */
export interface Status {
  readonly state: State
  readonly killSwitch: boolean
  readonly lockdown: 'off' | 'on' | 'lifted'
  readonly problems: readonly string[] | null
  /** Namespace of the programs that the tunnel is for; null where it is the whole machine's. */
  readonly netns: string | null
  /** Whether it was made without root, for one program. */
  readonly rootless: boolean
  /** Programs that run beside the tunnel. */
  readonly beside: readonly { readonly process: number; readonly name: string }[]
  readonly gateway: readonly string[]
  /** Whether the local network may be talked to; null where nothing is connected. */
  readonly allowLan: boolean | null
  readonly provider: string | null
  readonly downBytes: number | null
  readonly upBytes: number | null
  readonly lendings: readonly Lending[]
  readonly exits: readonly { readonly channelId: string; readonly exitAt: number }[]
  readonly live: {
    readonly bytesPerSecond: number
    readonly spentWei: string
    readonly latencyMs: number | null
    readonly carrier: string | null
    readonly proxy: string | null
    readonly postQuantum: boolean | null
    readonly serving: {
      readonly country: string
      readonly price: { readonly perMegabyte: string; readonly perHour: string }
      readonly sinceMs: number
    } | null
    readonly allowances: {
      readonly cap?: Allowance
      readonly budget?: Allowance
      readonly channel: Allowance
    } | null
    readonly reason: string | null
  } | null
  readonly units?: Units
}

/** How things stand; undefined before the first answer. */
export const now = signal<Answer<Status> | undefined>(undefined)
/** Unix milliseconds of the last answer. */
export const heardAt = signal(Date.now())
export const status = computed(() =>
  now.value?.error === undefined ? (now.value as Status | undefined) : undefined,
)

const speeds = createSpeeds()
export const points: Signal<Points> = speeds.points

follow<Status>((answer) => {
  now.value = answer
  heardAt.value = Date.now()
  if (answer.error === undefined) speeds.note(answer.downBytes ?? 0, answer.upBytes ?? 0)
})
