import { type Signal, signal } from '@preact/signals'
import type { Units } from '../../shared/pages/amounts.js'
import type { Points } from '../../shared/pages/curve.js'
import { type Answer, follow } from '../../shared/pages/server.js'
import { createSpeeds } from '../../shared/pages/speeds.js'

/** What `running` of `pontage-hub status --json` says. */
export interface Running {
  readonly running: true
  readonly hub: string
  readonly connections: number
  readonly channels: number
  readonly owed: string
  readonly undrawn: string
  readonly pool: string
  readonly pendingWithdrawal: string
  readonly spare: string
  readonly urgent: boolean
  readonly relayFee: string
  readonly gasCoins: string | null
  readonly clears: { readonly answered: number; readonly refused: number; readonly seconds: number }
  readonly relays: { readonly sent: number; readonly refused: number }
  readonly chain: {
    readonly head: number | null
    readonly headAt: number | null
    readonly followed: number | null
    readonly unseenSeconds: number
    readonly nodes: readonly {
      readonly name: string
      readonly inUse: boolean
      readonly trouble: string | null
    }[]
  }
  readonly transactions: readonly {
    readonly does: string | null
    readonly state: string
    readonly transaction: string | null
  }[]
  readonly publication: {
    readonly publishedAt: number
    readonly blockNumber: number
    readonly sum: string
    readonly providers: number
  } | null
  readonly units?: Units
}
export type Live = Running | { readonly running: false }

export const now = signal<Answer<Live> | undefined>(undefined)
/** Unix milliseconds of the last answer. */
export const heardAt = signal(Date.now())

const speeds = createSpeeds()
/** Clearings a second, and seconds spent on them in a second. */
export const points: Signal<Points> = speeds.points

follow<Live>((answer) => {
  now.value = answer
  heardAt.value = Date.now()
  if (answer.error === undefined && answer.running) speeds.note(answer.clears.answered, answer.clears.seconds)
})

const lastSeconds = 10
const sum = (of: readonly number[]) => of.slice(-lastSeconds).reduce((all, each) => all + each, 0)

/** Clearings a second, over the last ten. */
export const clearsPerSecond = ({ down }: Points): number =>
  down.length === 0 ? 0 : sum(down) / Math.min(lastSeconds, down.length)

/** Milliseconds that one took on average in the last ten seconds; undefined where there was none. */
export const latencyMs = ({ down, up }: Points): number | undefined =>
  sum(down) === 0 ? undefined : (1_000 * sum(up)) / sum(down)
