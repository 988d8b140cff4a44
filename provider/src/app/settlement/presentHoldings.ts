import { setTimeout as delay } from 'node:timers/promises'
import { type Address, explain, type Refusal } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { StoredChannel } from '../../io/store/promiseStore.js'
import type { Components } from '../components.js'

/** Channels shown at first: when the hub knows what it gave last, it knows the rest. */
const shownAtFirst = 20
/** Channels in one request (docs/protocol.md). */
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
 * forgotten. What it cleared and nobody drew is shown with the hub's stamp: its total alone does not say for what it is.
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
  const held = promises
    .channelsOf(hub)
    .filter(({ guarantee }) => guarantee)
    .sort((a, b) => changedAt(b) - changedAt(a))
  for (let from = 0; from === 0 || from < held.length; ) {
    const size = from === 0 ? shownAtFirst : holdingsBatch
    const some = held.slice(from, from + size)
    const guarantees = some.flatMap((each) => guaranteeOf(each, identity.address))
    const cleared = some.flatMap(clearedOf)
    const shown = await link.request('recall', { hubPromise, guarantees, cleared }, answerTimeoutMs)
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
      log.warn('the hub had forgotten what it gave us', { hub, raised, recalled })
    if (from === 0) events.forgot()
    from += size
  }
}

/** When the hub gave us the last that we hold on a channel. */
const changedAt = ({ guarantee, promise }: StoredChannel): number =>
  Math.max(guarantee?.receivedAt ?? 0, promise?.stamped?.at ?? 0)

const guaranteeOf = ({ channelId, guarantee }: StoredChannel, provider: Address) => {
  if (!guarantee) return []
  const { receivedAt: _, ...signed } = guarantee
  return [{ channelId, provider, ...signed }]
}

const clearedOf = ({ channelId, promise }: StoredChannel) => {
  if (!promise?.stamped || promise.cleared <= promise.drawn) return []
  const { signature, stamp } = promise.stamped
  return [{ channelId, amount: promise.cleared, signature, stamp }]
}

/** What was refused, by whomever. */
const codeOf = (refusal: Refusal): string =>
  refusal.code === 'peer-refused' ? refusal.peerCode : refusal.code
