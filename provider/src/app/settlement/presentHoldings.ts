import { type Address, explain } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Components } from '../components.js'

/** Guarantees shown at first: when the hub knows the newest, it knows the others. */
const shownAtFirst = 20
/** Guarantees in one request (docs/protocol.md). */
const holdingsBatch = 200
const answerTimeoutMs = 10_000

/**
 * Shows a hub what we hold of it, in case its ledger is older: else it would promise us less than it has, and guarantee
 * to others what it has guaranteed to us.
 *
 * @param events.forgot - The hub rebuilds its ledger, and needs to see every promise again.
 */
export async function presentHoldings(
  { identity, promises, log }: Pick<Components, 'identity' | 'promises' | 'log'>,
  hub: Address,
  link: Link,
  events: { readonly forgot: () => void },
): Promise<void> {
  const { total, signature } = promises.hubPromise(hub)
  const hubPromise = total > 0n ? { total, signature } : null
  const guarantees = promises
    .channelsOf(hub)
    .flatMap(({ channelId, guarantee, released }) =>
      guarantee && released === undefined ? [{ channelId, ...guarantee }] : [],
    )
    .sort((a, b) => b.receivedAt - a.receivedAt)
    .map(({ receivedAt: _, ...guarantee }) => ({ ...guarantee, provider: identity.address }))
  for (
    let from = 0, size = shownAtFirst;
    from === 0 || from < guarantees.length;
    from += size, size = holdingsBatch
  ) {
    const shown = await link.request(
      'recall',
      { hubPromise, guarantees: guarantees.slice(from, from + size) },
      answerTimeoutMs,
    )
    if (!shown.ok) {
      log.warn('holdings not accepted', { hub, reason: explain(shown.refusal) })
      return
    }
    const { raised, recalled, isRecovering } = shown.value
    if (!isRecovering) return
    if (raised > 0n || recalled > 0)
      log.warn('the hub had forgotten what it gave us', { hub, raised, guarantees: recalled })
    if (from === 0) events.forgot()
  }
}
