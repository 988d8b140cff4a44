import { explain, type Params, type Result, type Verdict, type Wei } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Treasury } from './draw.js'
import { chainSeen } from './fresh.js'
import { expiry, renewal } from './guarantee.js'
import type { Parts } from './parts.js'

/** Turns a provider's micro-promises into one larger promise of the hub. */
export async function clear(
  parts: Parts,
  treasury: Treasury,
  { promises }: Params<'clear'>,
  link: Link,
): Promise<Verdict<{ value: Result<'clear'> }>> {
  const { log } = parts
  const provider = link.peer
  const seen = chainSeen(parts)
  if (!seen.ok) return seen
  let outcome = await creditNow(parts, promises, link)
  if (!outcome.ok && outcome.refusal.code === 'pool-exhausted') {
    // The promises are in the ledger already; drawn, they need no pool.
    await treasury.draw({ forced: true })
    outcome = await creditNow(parts, promises, link)
  }
  if (!outcome.ok) return outcome
  const { total, signature, guarantees, refused } = outcome.credited
  log.info('cleared', { provider, total, promises: promises.length, refused: refused.length })
  treasury.consider()
  return {
    ok: true,
    value: {
      total,
      signature,
      guarantees: guarantees as Result<'clear'>['guarantees'],
      refused: refused.flatMap(({ channelId, verdict }) =>
        verdict.ok ? [] : [{ channelId, code: verdict.refusal.code, message: explain(verdict.refusal) }],
      ),
    },
  }
}

async function creditNow(parts: Parts, promises: Params<'clear'>['promises'], link: Link) {
  const { ledger, typedData, identity, rules } = parts
  const provider = link.peer
  const expiresAt = await expiry(parts)
  const leaving = (await ledger.note('leaving')) !== undefined
  const blocked = new Set((await ledger.blocked()).map((entry) => entry.identity))
  return ledger.credit({
    provider,
    promises,
    decide: (line, { channelId, amount, signature }, feeBps) => {
      const signer = typedData.recover('MicroPromise', { channelId, provider, amount }, signature)
      return rules.credit(line, provider, { amount, signer }, feeBps)
    },
    solvent: rules.solvent,
    sign: (total: Wei) => typedData.sign('HubPromise', { provider, total }, identity.privateKey),
    renew: (line, moved) => {
      const onlyCleared = leaving || blocked.has(provider) || blocked.has(line.consumer)
      return renewal(parts, line, provider, moved, expiresAt, onlyCleared)
    },
  })
}
