import type { Link } from '@pontage/shared/node'
import type { Machine } from '../../io/kernel/machine.js'
import type { Components } from '../components.js'
import type { LiveSession } from './liveSession.js'

/** What the paths to the consumers take. */
export interface PathMtus {
  /** A consumer said, on this connection, which packets came through whole: it gets none that are larger. */
  fit(live: LiveSession, link: Link, found: number): Promise<void>
  /** The largest packet that this consumer is sent. */
  of(live: LiveSession): number
}

/** Keeps what each consumer found; only the first word of a connection counts, since heeding it has a price. */
export function watchPathMtus(
  { log }: Pick<Components, 'log'>,
  machine: Pick<Machine, 'mtu' | 'fitPath'>,
): PathMtus {
  const heard = new WeakSet<Link>()
  const mtus = new WeakMap<LiveSession, number>()
  return {
    of: (live) => mtus.get(live) ?? machine.mtu,
    async fit(live, link, found) {
      if (heard.has(link)) return
      heard.add(link)
      const session = live.record.id
      try {
        const mtu = await machine.fitPath(live.wireguardKey, live.addresses, found)
        mtus.set(live, mtu)
        log.info('the path takes', { session, mtu, found, tunnel: machine.mtu })
      } catch (error) {
        // The consumer's own end holds what it sends, and most of what it is sent.
        log.warn('the path’s MTU was not set', { session, reason: (error as Error).message })
      }
    },
  }
}
