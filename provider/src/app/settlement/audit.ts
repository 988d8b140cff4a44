import type { Address } from '@pontage/shared'
import { explain, unixSeconds } from '@pontage/shared'
import { provesSum, readAccount } from '@pontage/shared/node'
import { HeldTotals, lieIn } from '../../core/leafCheck.js'
import { type AnchoredRoot, readAnchored } from '../../io/chain/anchoredLiabilities.js'
import type { HubLink } from '../../io/link/hubLink.js'
import type { Components } from '../components.js'

/** How long a hub may refuse to show what it anchored before that counts as a lie. */
const patienceSeconds = 900
const answerTimeoutMs = 5_000
const outOfReach: ReadonlySet<string> = new Set(['hub-unreachable', 'peer-gone', 'peer-silent'])

/** Checks on each publication of our hubs that what they owe us is in it. */
export interface Audit {
  /** Looks for new publications, and at those that could not be checked before. */
  look(): Promise<void>
  /** Resolves when no hub is being asked. */
  idle(): Promise<void>
}

/**
 * @param maxGuaranteeSeconds - A hub that rebuilds its ledger waits that long at most, and cannot show what it forgot.
 * @param events.lied - A hub said less than it owes us, or will not show it; with the reason as the end of a sentence.
 */
export async function createAudit(
  { chain, identity, typedData, promises, clock, log }: Components,
  links: ReadonlyMap<Address, Pick<HubLink, 'request'>>,
  maxGuaranteeSeconds: number,
  events: { readonly lied: (hub: Address, reason: string) => void },
): Promise<Audit> {
  const totals = new HeldTotals()
  const hubs = [...links.keys()]
  /** The newest publication of each hub that is not checked yet. */
  const pending = new Map<Address, AnchoredRoot>()
  const refusedSince = new Map<Address, number>()
  let checking: Promise<void> | undefined
  let seen = (await chain.confirmed()).number

  /** A newer one may have come meanwhile: that one stays. */
  function done(anchored: AnchoredRoot): void {
    refusedSince.delete(anchored.hub)
    if (pending.get(anchored.hub) === anchored) pending.delete(anchored.hub)
  }

  async function check(anchored: AnchoredRoot): Promise<void> {
    const { hub, root, blockNumber } = anchored
    const block = await chain.rpc.getBlock(blockNumber)
    if (block === null) return
    const held = totals.before(hub, { number: blockNumber, at: unixSeconds(block.timestamp) })
    const { paid } = await readAccount(chain, hub, identity.address, blockNumber)
    const ours = { provider: identity.address, held, paid }
    const answer = await links
      .get(hub)
      ?.request('liability', { provider: ours.provider, root, blockNumber }, answerTimeoutMs)
    if (answer === undefined) return
    if (!answer.ok) {
      // Out of reach is no lie, and neither is a publication that a newer one is about to replace.
      const { refusal } = answer
      if (outOfReach.has(refusal.code)) return
      const isRebuilding = refusal.code === 'peer-refused' && refusal.peerCode === 'hub-recovering'
      const patience = patienceSeconds + (isRebuilding ? maxGuaranteeSeconds : 0)
      const nowMs = clock.elapsedMs()
      const since = refusedSince.get(hub) ?? nowMs
      refusedSince.set(hub, since)
      log.warn('the hub does not show what it anchored', { hub, root, reason: explain(refusal) })
      if (nowMs - since < patience * 1_000) return
      done(anchored)
      if (held > paid) events.lied(hub, `it has not shown what it anchored on chain for ${patience} s`)
      return
    }
    done(anchored)
    const { liabilities, proof } = answer.value
    const lie = lieIn(
      anchored,
      {
        liabilities,
        isSigned: typedData.check('Liabilities', liabilities, hub).ok,
        isProved: proof !== null && provesSum(proof, root, anchored.sum),
        leaf: proof?.leaf,
      },
      ours,
    )
    if (lie === undefined)
      log.info('the hub shows what it owes us', {
        hub,
        root,
        blockNumber,
        held,
        outstanding: proof?.leaf.outstanding,
      })
    else events.lied(hub, lie)
  }

  async function checkPending(): Promise<void> {
    for (const anchored of pending.values())
      await check(anchored).catch((error: Error) =>
        log.warn('a publication cannot be checked yet', {
          hub: anchored.hub,
          reason: error.message.slice(0, 200),
        }),
      )
  }

  return {
    async look() {
      // Totals first: what is noted with a block was held when the block was read.
      const now = hubs.map((hub) => ({ hub, total: promises.hubPromise(hub).total }))
      const head = await chain.head()
      for (const { hub, total } of now) totals.note(hub, total, head)
      const { number: upTo } = await chain.confirmed()
      if (upTo > seen) {
        for (const anchored of await readAnchored(chain, hubs, seen + 1, upTo))
          pending.set(anchored.hub, anchored)
        seen = upTo
      }
      // Nobody waits for a hub that is slow to answer.
      checking ??= checkPending().finally(() => {
        checking = undefined
      })
    },
    idle: async () => checking,
  }
}
