import type { Reading } from '../../core/meter.js'
import type { Components } from '../components.js'
import { accountOf, figuresOf, type LiveSession, progressOf, tell } from './liveSession.js'

const usageEveryMs = 1_000
/** How often figures go to disk: what a power cut may cost of the history, never of the money. */
const noteEveryMs = 15_000

/** Tells consumers what their sessions have used, and writes it down, each in its own time. */
export class Accounts {
  #toldAt = 0
  #notedAt = 0
  readonly #told = new WeakMap<LiveSession, Reading>()

  constructor(private readonly components: Pick<Components, 'sessions' | 'clock'>) {}

  /** Whoever pays for a lent session knows what it used from us alone: at once, so that it pays before it is suspended. */
  #hasNews(live: LiveSession): boolean {
    const { reading } = live.session
    const before = this.#told.get(live)
    this.#told.set(live, reading)
    return reading.downBytes !== before?.downBytes || reading.upBytes !== before?.upBytes
  }

  /** Does what is due. */
  give(sessions: readonly LiveSession[]): void {
    const now = this.components.clock.elapsedMs()
    const isDue = now - this.#toldAt >= usageEveryMs
    if (isDue) this.#toldAt = now
    for (const live of sessions) {
      const { session } = live
      const isNews = session.lent !== undefined && this.#hasNews(live)
      if (isDue || isNews) tell(live, 'usage', { session: live.record.id, ...accountOf(session) })
    }
    if (now - this.#notedAt < noteEveryMs) return
    this.#notedAt = now
    for (const live of sessions)
      this.components.sessions.note(live.record.id, figuresOf(live), progressOf(live))
  }
}
