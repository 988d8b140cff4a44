import type { Components } from '../components.js'
import type { Settings } from '../settings.js'
import { type Reached, whyUnreached } from './reach.js'

/** Publishes the offer, now or as soon as somebody reaches what it offers. */
export interface Publisher {
  publish(): Promise<void>
  stop(): Promise<void>
}

/** A hub tries no more often than every ten seconds. */
const tryAgainMs = 30_000

/**
 * Has the hubs try our ports before an offer is published: one that nobody reaches would cost gas, and consumers their time.
 * Until one of them gets through, they are asked again. Hubs that cannot try are no reason to wait.
 *
 * @param publish - Publishes the offer; throws where that fails.
 */
export function publishOnceReached(
  { log }: Pick<Components, 'log'>,
  settings: Pick<Settings, 'endpoint' | 'wireguardPort' | 'reachCheck'>,
  reach: () => Promise<Reached[]>,
  publish: () => Promise<void>,
): Publisher {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let running: Promise<void> = Promise.resolve()
  const cure = `Forward TCP ${settings.endpoint.port} and UDP ${settings.wireguardPort} to this machine in router and firewall, and check --endpoint.`

  async function look(): Promise<void> {
    const reason = settings.reachCheck ? whyUnreached(await reach()) : undefined
    if (isStopped) return
    if (reason === undefined) return publish()
    log.error('nobody reaches this provider, so its offer is not published', { reason, cure })
    timer = setTimeout(() => {
      running = look().catch((error: Error) =>
        log.warn('the offer was not published', { reason: error.message }),
      )
    }, tryAgainMs)
  }

  return {
    publish() {
      clearTimeout(timer)
      return look()
    },
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}
