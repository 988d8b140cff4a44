import {
  type Address,
  type Hex,
  isActive,
  type Refused,
  refuse,
  type roles,
  type Verdict,
} from '@pontage/shared'
import type { StandingOnChain } from '@pontage/shared/node'
import type { ChannelLine } from '../core/channelLine.js'
import { LedgerUnavailable } from '../io/ledger.js'
import type { Components } from './components.js'

/** Seconds without a look at the chain after which nothing is signed any more. */
const maxUnseenSeconds = 60

/** Refuses while the hub does not know the present state of the chain. */
export function chainSeen({ watch }: Components): Verdict {
  const seconds = watch.unseenSeconds()
  return seconds <= maxUnseenSeconds ? { ok: true } : refuse({ code: 'chain-unseen', seconds })
}

/** Takes in the newest confirmed block. @returns Whether the chain answered */
export const catchUp = async ({ watch, log }: Components): Promise<boolean> =>
  (await answers(log, watch.catchUp())) !== undefined

/** A channel of this hub. One not known yet is looked for on the chain first: it may have been confirmed just now. */
export async function findChannel(
  components: Components,
  channelId: Hex,
): Promise<Verdict<{ line: ChannelLine }>> {
  const { ledger, watch } = components
  const known = await ledger.channel(channelId)
  if (!known && !(await catchUp(components)))
    return refuse({ code: 'chain-unseen', seconds: watch.unseenSeconds() })
  const line = known ?? (await ledger.channel(channelId))
  return line ? { ok: true, line } : refuse({ code: 'unknown-channel', channelId })
}

/** Refuses to deal with identities that are in debt or lack the stake of their role. */
export async function judgeStandings(
  { standings, watch, log }: Components,
  consumer: Address,
  provider: Address,
): Promise<Verdict> {
  const found = await answers(log, standings.of([consumer, provider]))
  if (!found) return refuse({ code: 'chain-unseen', seconds: watch.unseenSeconds() })
  const [ofConsumer, ofProvider] = found.value
  return (
    unsound(consumer, 'consumer', ofConsumer) ?? unsound(provider, 'provider', ofProvider) ?? { ok: true }
  )
}

/** Refuses a consumer that is in debt or lacks its stake. */
export async function judgeConsumer(
  { standings, watch, log }: Components,
  consumer: Address,
): Promise<Verdict> {
  const found = await answers(log, standings.of([consumer]))
  if (!found) return refuse({ code: 'chain-unseen', seconds: watch.unseenSeconds() })
  return unsound(consumer, 'consumer', found.value[0]) ?? { ok: true }
}

/** What the chain answers, or undefined when it cannot be asked: that is no fault of whoever waits for it. */
const answers = <Value>(
  log: Components['log'],
  asked: Promise<Value>,
): Promise<{ value: Value } | undefined> =>
  asked.then(
    (value) => ({ value }),
    (error: Error) => {
      // What is read of the chain is written down.
      if (error instanceof LedgerUnavailable) throw error
      log.warn('chain not readable', { reason: error.message.slice(0, 200) })
      return undefined
    },
  )

/** Refuses what would tie the hub to somebody its operator does not deal with, or to anybody while it is leaving. */
export async function judgeService(
  { ledger, identity }: Components,
  identities: readonly Address[],
): Promise<Verdict> {
  if ((await ledger.note('leaving')) !== undefined)
    return refuse({ code: 'hub-leaving', hub: identity.address })
  const blocked = (await ledger.blocked()).find((entry) => identities.includes(entry.identity))
  return blocked ? refuse({ code: 'blocked', identity: blocked.identity }) : { ok: true }
}

function unsound(
  identity: Address,
  role: keyof typeof roles,
  standing: StandingOnChain | undefined,
): Refused | undefined {
  if (standing && standing.debt > 0n) return refuse({ code: 'in-debt', identity, debt: standing.debt })
  if (standing && isActive(standing, role)) return undefined
  return refuse({ code: 'not-registered', identity, role })
}
