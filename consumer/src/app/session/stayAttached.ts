import type { Handlers, Link } from '@pontage/shared/node'
import type { Context } from '../context.js'
import { attach, type PaymentEndpoint } from './paymentSocket.js'
import type { SessionLoop } from './sessionLoop.js'

/** The payment socket of a running session, whichever it is now. */
export interface PaymentSocket {
  /** Undefined while the provider is out of reach. */
  readonly link: Link | undefined
  close(): void
}

/**
 * Keeps a payment socket, from the first one on; without one for too long the provider counts as lost.
 *
 * @param options.use - Told of each new socket.
 * @param options.moved - Told when one is lost, and when there is one again.
 */
export function stayAttached(
  context: Context,
  endpoint: PaymentEndpoint,
  loop: SessionLoop,
  options: {
    first: Link
    handlers: Handlers
    patienceMs: number
    use: (link: Link) => void
    moved: (kind: 'reconnecting' | 'reconnected') => void
  },
): PaymentSocket {
  const { handlers, patienceMs, use, moved } = options
  const gone = new AbortController()
  let link: Link | undefined = options.first

  async function keep(current: Link): Promise<void> {
    use(current)
    await current.closed
    if (!loop.isOpen || gone.signal.aborted) return
    await loop.dispatch({ type: 'detached' })
    moved('reconnecting')
    try {
      link = await attach(context, endpoint, { handlers, patienceMs, signal: gone.signal })
    } catch (error) {
      link = undefined
      // It names an address inside the tunnel, which nobody has seen.
      context.log.debug('the provider does not answer in the tunnel', { reason: (error as Error).message })
      if (loop.isOpen) await loop.dispatch({ type: 'stop', reason: 'lost' })
      return
    }
    if (!loop.isOpen) return link.close()
    use(link)
    await loop.dispatch({ type: 'reattached' })
    moved('reconnected')
    return keep(link)
  }

  loop.unattended(keep(options.first))
  return {
    get link() {
      return link
    },
    close() {
      gone.abort()
      link?.close()
    },
  }
}
