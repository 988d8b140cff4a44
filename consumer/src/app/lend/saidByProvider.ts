import type { Bytes, Clock, Counted, Notice } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import { beginBelief, believe, totalOf } from '../../core/believed.js'
import { largestPacket } from '../../core/lendLimits.js'
import type { SessionMeter } from '../session/runSession.js'

const endTimeoutMs = 5_000

/** A meter where there is nothing to count here: what the provider says, held to the rate and to the limit. */
export interface SaidByProvider extends SessionMeter {
  /** Bytes that are believed by now. */
  total(): Bytes
}

/**
 * @param session - The provider's name of it.
 * @param limits.rate - Bytes a second; undefined where none is known.
 * @param limits.most - Bytes in all.
 */
export function saidByProvider(
  clock: Clock,
  session: string,
  limits: { readonly rate: bigint | undefined; readonly most: Bytes | undefined },
): SaidByProvider {
  const { rate } = limits
  let { most } = limits
  let believed = beginBelief({ rate }, clock.elapsedMs())
  let claimed = believed.counted
  let link: Link | undefined
  const hear = (theirs: Pick<Notice<'usage'>, keyof Counted>) => {
    const { downBytes, upBytes, downPackets, upPackets } = theirs
    claimed = { downBytes, upBytes, downPackets, upPackets }
  }
  return {
    hear,
    use(current) {
      link = current
    },
    total: () => totalOf(believed.counted),
    async read() {
      believed = believe(believed, claimed, clock.elapsedMs(), { rate, most })
      const { counted } = believed
      const limitReached = most !== undefined && most - totalOf(counted) < largestPacket
      return { ...counted, limitReached, beyond: { sent: 0n, received: 0n } }
    },
    async raise(limit) {
      most = limit
    },
    // The provider alone can stop what it forwards: its last count comes with the end.
    async halt() {
      const account = await link?.request('end', { session }, endTimeoutMs)
      if (account?.ok) hear(account.value)
    },
  }
}
