import type { Components } from '../components.js'
import { accountOf, figuresOf, type LiveSession, progressOf, tell } from './liveSession.js'

const usageEveryMs = 1_000
/** How often figures go to disk: what a power cut may cost of the history, never of the money. */
const noteEveryMs = 15_000

/** Tells consumers what their sessions have used, and writes it down, each in its own time. */
export class Accounts {
  #toldAt = 0
  #notedAt = 0

  constructor(private readonly components: Pick<Components, 'sessions' | 'clock'>) {}

  /** Does what is due. */
  give(sessions: readonly LiveSession[]): void {
    const now = this.components.clock.elapsedMs()
    if (now - this.#toldAt >= usageEveryMs) {
      this.#toldAt = now
      for (const live of sessions)
        tell(live, 'usage', { session: live.record.id, ...accountOf(live.session) })
    }
    if (now - this.#notedAt < noteEveryMs) return
    this.#notedAt = now
    for (const live of sessions)
      this.components.sessions.note(live.record.id, figuresOf(live), progressOf(live))
  }
}
