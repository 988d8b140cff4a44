import { type Signal, signal } from '@preact/signals'
import type { Units } from '../../shared/pages/amounts.js'
import type { Points } from '../../shared/pages/curve.js'
import { type Answer, follow } from '../../shared/pages/server.js'
import { createSpeeds } from '../../shared/pages/speeds.js'

/** A session, as `pontage-provider sessions --json` prints it. */
export interface Session {
  readonly session: string
  readonly consumer: string
  readonly startedAt: number
  readonly phase: string
  readonly downBytes: string
  readonly upBytes: string
  readonly owed: string
  readonly promised: string
}

/** What the running provider says of itself; the fields are left out where none runs. */
export interface Live {
  readonly running: boolean
  /** Whether it is on its way out: nobody new is served. */
  readonly retiring: boolean
  readonly sessions?: readonly Session[]
  readonly limits?: { readonly total: string; readonly session: string }
  readonly gasCoins?: string | null
  readonly faults?: readonly string[]
  readonly units?: Units
}

export const now = signal<Answer<Live> | undefined>(undefined)
export const heardAt = signal(Date.now())

const speeds = createSpeeds()
export const points: Signal<Points> = speeds.points

/** What flowed in sessions that were there a moment ago; one that ended takes nothing back. */
let counted = { down: 0, up: 0 }
let before = new Map<string, Session>()

follow<Live>((answer) => {
  now.value = answer
  heardAt.value = Date.now()
  if (answer.error !== undefined) return
  const sessions = answer.sessions ?? []
  for (const each of sessions) {
    const last = before.get(each.session)
    counted = {
      down: counted.down + Math.max(0, Number(each.downBytes) - Number(last?.downBytes ?? each.downBytes)),
      up: counted.up + Math.max(0, Number(each.upBytes) - Number(last?.upBytes ?? each.upBytes)),
    }
  }
  before = new Map(sessions.map((each) => [each.session, each]))
  speeds.note(counted.down, counted.up)
})
