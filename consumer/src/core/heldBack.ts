import { type Address, type Hex, type Wei, wei } from '@pontage/shared'

/** A session of this connection that is over: what its guarantee keeps tied up until it runs out. */
export interface PastSession {
  readonly channelId: Hex
  readonly provider: Address
  /** Totals before it, guaranteed for it, and promised at its end. */
  readonly base: Wei
  readonly ceiling: Wei
  readonly promised: Wei
}

/**
 * What a channel can still stand for towards one provider after earlier sessions: for other providers the hub keeps
 * back all it guaranteed, for the same one only what was promised.
 *
 * @param free - What was free before the first of them.
 */
export function freeAfter(free: Wei, channelId: Hex, provider: Address, past: readonly PastSession[]): Wei {
  const onChannel = past.filter((each) => each.channelId === channelId)
  let held = 0n
  for (const each of new Set(onChannel.map((session) => session.provider))) {
    const sessions = onChannel.filter((session) => session.provider === each)
    const from = sessions.reduce((least, { base }) => (base < least ? base : least), sessions[0]?.base ?? 0n)
    const to = sessions.reduce((most, { ceiling, promised }) => {
      const taken = each === provider ? promised : ceiling
      return taken > most ? taken : most
    }, 0n)
    held += to - from
  }
  return wei(free > held ? free - held : 0n)
}
