import type { UnixSeconds } from '@pontage/shared'
import type { JournalState } from './journalState.js'

/** What the chain says of a channel on its way out. */
interface Leaving {
  readonly channelId: `0x${string}`
  readonly exitAt: number
}

/** Why a channel is not closed together with its hub; undefined when nothing stands against it. */
export function whyNotClose(channel: Leaving, trail: JournalState, now: UnixSeconds): string | undefined {
  if (channel.exitAt > 0)
    return 'Its exit has been requested. Finish that with "pontage channel exit", whether the hub answers or not.'
  const exit = trail.exit(channel.channelId)
  return exit?.stage === 'asked' && exit.at > now
    ? `An exit request was signed, which may take effect in the next ${inWords(exit.at - now)}. Check "pontage channel status"; if it has not taken effect by then, close again.`
    : undefined
}

/** Why a channel is not left alone; undefined when nothing stands against it. */
export function whyNotExit(channel: Leaving, trail: JournalState): string | undefined {
  return trail.isClosing(channel.channelId) && channel.exitAt === 0
    ? 'A close together with the hub is signed and under way. Finish it with "pontage channel close"; only if the hub is gone for good, add --hub-is-gone.'
    : undefined
}

/** `1 d 4 h`, `12 min`, `less than a minute`: the two largest units, rounded down. */
export function inWords(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const
  const parts = units.map(([name, size], index) => {
    const above = units[index - 1]?.[1]
    return { name, count: Math.floor((above === undefined ? seconds : seconds % above) / size) }
  })
  const first = parts.findIndex(({ count }) => count > 0)
  if (first < 0) return 'less than a minute'
  return parts
    .slice(first, first + 2)
    .filter(({ count }) => count > 0)
    .map(({ count, name }) => `${count} ${name}`)
    .join(' ')
}
