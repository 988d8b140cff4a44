import { SerialQueue } from '@pontage/shared'
import { type Effect, type Session, type SessionEvent, step } from '../../core/session.js'

/** A session's events one after the other, each with all its effects. */
export interface SessionLoop {
  /** As it stands now. */
  readonly session: Session
  /** Whether traffic may flow: not once something that was decided could not be done, such as writing a total down. */
  readonly isOpen: boolean
  /** Takes an event; resolves when its effects are done, fails as they do. */
  dispatch(event: SessionEvent): Promise<void>
  /** An event that nobody waits for. */
  post(event: SessionEvent, afterwards?: () => void): void
  /** What nobody waits for; its failure ends the session. */
  unattended(work: Promise<unknown>): void
  /** Resolves when the session is over; fails with the first failure. */
  readonly over: Promise<void>
}

/** @param perform - Does what `step` decided; `finish` is done here. */
export function createSessionLoop(
  begun: Session,
  perform: (effect: Exclude<Effect, { type: 'finish' }>, loop: SessionLoop) => Promise<void>,
): SessionLoop {
  const queue = new SerialQueue()
  let session = begun
  let finish: () => void = () => {}
  let fail: (error: Error) => void = () => {}
  let hasFailed = false
  const over = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = (error) => {
      hasFailed = true
      reject(error)
    }
  })
  over.catch(() => undefined) // Whoever waits for the end hears of it.
  const loop: SessionLoop = {
    over,
    get session() {
      return session
    },
    get isOpen() {
      return !hasFailed && (session.phase === 'running' || session.phase === 'suspended')
    },
    dispatch(event) {
      const done = queue.run(async () => {
        const next = step(session, event)
        session = next.session
        for (const effect of next.effects)
          if (effect.type === 'finish') finish()
          else await perform(effect, loop)
      })
      done.catch(fail)
      return done
    },
    post(event, afterwards) {
      loop.dispatch(event).then(afterwards, () => {})
    },
    unattended(work) {
      work.catch(fail)
    },
  }
  return loop
}
