import { setTimeout as delay } from 'node:timers/promises'
import { type Address, explain, type Refusal } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Components } from '../components.js'

/** Guarantees shown at first: when the hub knows the newest, it knows the others. */
const shownAtFirst = 20
/** Guarantees in one request (docs/protocol.md). */
const holdingsBatch = 200
const answerTimeoutMs = 10_000
/** A hub answers so many questions again after that time. */
const slowerByMs = 1_000

/** What a hub answers, or does not, that cannot take anything just now. */
const passing: ReadonlySet<string> = new Set([
  'chain-unseen',
  'ledger-unavailable',
  'peer-gone',
  'peer-silent',
  'too-many-under-way',
  // On the chain that it sees: it saw the channel when it guaranteed.
  'unknown-channel',
] satisfies Refusal['code'][])
const tooFast: Refusal['code'] = 'too-many-requests'

/**
 * Shows a hub what we hold of it, in case its ledger is older: else it would promise us less than it has, and guarantee
 * to others what it has guaranteed to us.
 *
 * All guarantees are shown, also those that have ended or were given up: promises rest on them that the hub may have
 * forgotten.
 *
 * @param events.forgot - The hub rebuilds its ledger, and needs to see every promise again.
 * @throws Error when the hub cannot take them now: until it has, nothing it says is to be relied on.
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
    .flatMap(({ channelId, guarantee }) => (guarantee ? [{ channelId, ...guarantee }] : []))
    .sort((a, b) => b.receivedAt - a.receivedAt)
    .map(({ receivedAt: _, ...guarantee }) => ({ ...guarantee, provider: identity.address }))
  for (let from = 0; from === 0 || from < guarantees.length; ) {
    const size = from === 0 ? shownAtFirst : holdingsBatch
    const some = guarantees.slice(from, from + size)
    const shown = await link.request('recall', { hubPromise, guarantees: some }, answerTimeoutMs)
    if (!shown.ok) {
      const code = codeOf(shown.refusal)
      const reason = explain(shown.refusal)
      if (code === tooFast) {
        await delay(slowerByMs)
        continue
      }
      if (passing.has(code)) throw new Error(`What we hold of it could not be shown: ${reason}`)
      log.warn('holdings not accepted', { hub, reason })
      return
    }
    const { raised, recalled, isRecovering } = shown.value
    if (!isRecovering) return
    if (raised > 0n || recalled > 0)
      log.warn('the hub had forgotten what it gave us', { hub, raised, guarantees: recalled })
    if (from === 0) events.forgot()
    from += size
  }
}

/** What was refused, by whomever. */
const codeOf = (refusal: Refusal): string =>
  refusal.code === 'peer-refused' ? refusal.peerCode : refusal.code
