import type { Status } from './state.js'
import { texts } from './texts.js'

/** What is said about how things stand. */
export interface StateWords {
  readonly pill: string
  /** Colour of the pill: nothing to say, good, to be watched, or bad. */
  readonly kind: '' | 'good' | 'warn' | 'bad'
  readonly title: string
  readonly means: string
}

const kinds: Readonly<Record<Status['state'], StateWords['kind']>> = {
  disconnected: '',
  connecting: 'warn',
  connected: 'good',
  suspended: 'warn',
  reconnecting: 'warn',
  blocked: 'bad',
  crashed: 'bad',
}

/** How things stand, in words that promise no more than is in force. */
export function stateWords(now: Status): StateWords {
  const { state, netns, lockdown, problems } = now
  const words: StateWords = {
    ...{ pill: texts.pill[state], kind: kinds[state] },
    ...{ title: texts.state[state], means: texts.means[state] },
  }
  if (netns !== null)
    return {
      ...words,
      pill: state === 'connected' ? texts.pillNamespace : texts.pillNamespaceOff,
      title: texts.namespaceTitle(now.rootless ? undefined : netns, texts.stateWord[state]),
      means: texts.namespaceMeans(now.rootless ? undefined : netns),
    }
  if (problems !== null && problems.length > 0)
    return { ...words, pill: texts.pillDamaged, kind: 'bad', means: texts.damagedMeans }
  if (lockdown === 'on' && (state === 'disconnected' || state === 'connecting'))
    return { ...words, pill: texts.pillShut, kind: 'warn', means: texts.lockedMeans[state] }
  if (now.allowLan === true && state === 'connected') return { ...words, means: texts.meansWithLan }
  return words
}

/**
 * Seconds until the first limit is reached, at the speed of the last seconds; undefined where nothing is known, or
 * nothing limits it. An hourly price runs on whatever flows.
 */
export function secondsLeft({ live }: Pick<Status, 'live'>): number | undefined {
  const { allowances, bytesPerSecond = 0, serving } = live ?? {}
  if (!allowances || !serving) return undefined
  const { perMegabyte, perHour } = serving.price
  const perSecond = (Number(perMegabyte) / 1e6) * bytesPerSecond + Number(perHour) / 3_600
  const { cap, budget, channel } = allowances
  const rests = [
    cap ? Number(cap.left) / bytesPerSecond : Number.POSITIVE_INFINITY,
    ...[budget, channel].map((each) => (each ? Number(each.left) / perSecond : Number.POSITIVE_INFINITY)),
  ].filter(Number.isFinite)
  return rests.length === 0 ? undefined : Math.min(...rests)
}
