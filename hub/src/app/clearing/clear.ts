import {
  type Address,
  clearLimit,
  explain,
  type Hex,
  type Params,
  type PromiseFrame,
  type Result,
  refuse,
  type Verdict,
  type Wei,
} from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Components } from '../components.js'
import type { DrawScheduler } from '../drawing/drawScheduler.js'
import { chainSeen } from '../fresh.js'
import { expiry, renewal } from './guarantee.js'

/** Turns a provider's micro-promises into one larger promise of the hub. */
export async function clear(
  components: Components,
  drawScheduler: DrawScheduler,
  { promises }: Params<'clear'>,
  link: Link,
  /** Whether nothing more is to be guaranteed than what was cleared. */
  frozen = false,
): Promise<Verdict<{ value: Result<'clear'> }>> {
  const { log, peers, stamps } = components
  const provider = link.peer
  const seen = chainSeen(components)
  if (!seen.ok) return seen
  const latest = latestOfEach(promises)
  const [first] = latest
  // Signatures are looked at only for whom the hub once stood for something: to all others it owes nothing.
  const concerned = await components.knownTabs.among(provider, latest)
  if (first && concerned.length === 0 && !(await components.ledger.guaranteed(provider)))
    return refuse({ code: 'no-guarantee', channelId: first.channelId })
  const signers = await signersOf(components, concerned, provider)
  const creditNow = (wereHeld: boolean) =>
    creditThese(components, latest, signers, provider, { frozen, wereHeld })
  let outcome = await creditNow(false)
  if (!outcome.ok && outcome.refusal.code === 'pool-exhausted') {
    // The promises are in the ledger already; drawn, they need no pool.
    await drawScheduler.draw({ forced: true })
    outcome = await creditNow(true)
  }
  if (!outcome.ok) return outcome
  const { total, signature, guarantees, refused } = outcome.credited
  const refusedIds = new Set(refused.map(({ channelId }) => channelId))
  const taken = peers.keepsStamps(link) ? latest.filter(({ channelId }) => !refusedIds.has(channelId)) : []
  log.info('cleared', { provider, total, promises: promises.length, refused: refused.length })
  drawScheduler.consider()
  return {
    ok: true,
    value: {
      total,
      signature,
      guarantees,
      refused: refused.flatMap(({ channelId, verdict }) => {
        if (verdict.ok) return []
        const { code } = verdict.refusal
        log.debug('refused a promise', { provider, channelId, code })
        return [{ channelId, code, message: explain(verdict.refusal) }]
      }),
      stamps: taken.map((promise) => ({
        channelId: promise.channelId,
        stamp: stamps.of({ ...promise, provider }),
      })),
    },
  }
}

/** Who signed these; nobody is looked for where the hub gave no guarantee and the answer is known without. */
async function signersOf(
  { signers }: Components,
  promises: readonly PromiseFrame[],
  provider: Address,
): Promise<ReadonlyMap<Hex, Address | undefined>> {
  const found = await signers.of(promises.map((promise) => ({ ...promise, provider })))
  return new Map(promises.map(({ channelId }, index) => [channelId, found[index]]))
}

/** A larger total of a channel makes the smaller ones needless: they are not even looked at. */
function latestOfEach(promises: readonly PromiseFrame[]): readonly PromiseFrame[] {
  const latest = new Map<Hex, PromiseFrame>()
  for (const promise of promises) {
    const known = latest.get(promise.channelId)
    if (known === undefined || promise.amount > known.amount) latest.set(promise.channelId, promise)
  }
  return latest.size === promises.length ? promises : [...latest.values()]
}

function creditThese(
  components: Components,
  promises: readonly PromiseFrame[],
  signers: ReadonlyMap<Hex, Address | undefined>,
  provider: Address,
  { frozen, wereHeld }: { readonly frozen: boolean; readonly wereHeld: boolean },
) {
  const { ledger, typedData, identity, rules, settings } = components
  let renewed = 0
  return ledger.credit({
    provider,
    promises,
    wereHeld,
    decide: (line, { channelId, amount }, feeBps) =>
      rules.credit(line, provider, { amount, signer: signers.get(channelId) }, feeBps),
    solvent: rules.solvent,
    sign: (total: Wei) =>
      typedData.sign('HubPromise', { hub: identity.address, provider, total }, identity.privateKey),
    renewBefore: (blockAt) => expiry(components, blockAt) - settings.guaranteeSeconds / 2,
    renew: (line, moved, { blockAt, leaving, blocked }) => {
      // An answer has room for a limited number; the others come with the next.
      if (renewed >= clearLimit) return undefined
      const onlyCleared = frozen || leaving || blocked.has(provider) || blocked.has(line.consumer)
      const guarantee = renewal(components, line, provider, moved, expiry(components, blockAt), onlyCleared)
      if (guarantee) renewed++
      return guarantee
    },
  })
}
