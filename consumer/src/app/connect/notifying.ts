import { desktopOf, notify } from '../../io/desktop.js'
import { sentenceOfEnd, whatFollows } from './endings.js'
import type { Screen } from './screen.js'

/** Tells the desktop, where there is one, of what somebody who looks elsewhere has to know. */
export function notifying(screen: Screen): Screen {
  const desktop = desktopOf(process.env, process.getuid?.() ?? 0)
  if (desktop === undefined) return screen
  const say = (title: string, text: string) => void notify(desktop, title, text)
  return {
    ...screen,
    warned(sentence) {
      if (!sentence.startsWith('Time taken')) say('Pontage', sentence)
      screen.warned(sentence)
    },
    failedOver(session, receipt) {
      say('Session over', `${sentenceOfEnd(session)} ${whatFollows(session)} Nothing leaves in the meantime.`)
      screen.failedOver(session, receipt)
    },
    ended(session, sessions) {
      if (session.reason !== 'user') say('Disconnected', sentenceOfEnd(session))
      screen.ended(session, sessions)
    },
  }
}
