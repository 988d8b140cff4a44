import {
  type Address,
  channelIdOf,
  judgeParty,
  type Params,
  type Result,
  refuse,
  unixSeconds,
  type Verdict,
  wei,
} from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Components } from '../components.js'
import type { Sessions } from '../metering/sessions.js'
import type { CreditLines } from '../promises/creditLines.js'
import type { Settlement } from './settlement.js'

/**
 * Answers a hub that wants to close a channel: ends its session, clears what is held on it, and only then signs
 * that we are done with it, for good.
 */
export function createReleaseRequest(
  components: Components,
  context: {
    readonly lines: CreditLines
    readonly sessions: Sessions
    readonly settlementWith: (hub: Address) => Settlement | undefined
    readonly maxGuaranteeSeconds: number
  },
) {
  const { identity, typedData, promises, commit, chain, log } = components
  return async function release(
    { channel }: Params<'release'>,
    link: Link,
  ): Promise<Verdict<{ value: Result<'release'> }>> {
    const channelId = channelIdOf(chain.deployment, channel)
    const asked = judgeParty(link.peer, channel.hub)
    if (!asked.ok) return asked
    promises.keepChannel(channelId, channel)
    const before = promises.channel(channelId)
    if (before?.released === undefined) {
      context.lines.release(channelId, true)
      const settled = await giveUp(channelId)
      if (!settled.ok) {
        context.lines.release(channelId, false)
        return settled
      }
      const head = await chain.head()
      promises.keepRelease({
        channelId,
        amount: promises.channel(channelId)?.promise?.amount ?? wei(0n),
        // No guarantee that was ever given ends later than this.
        upTo: unixSeconds(head.at + context.maxGuaranteeSeconds),
      })
      log.info('released', { channelId, hub: channel.hub })
    }
    const released = promises.channel(channelId)?.released
    if (released === undefined) throw new Error(`The release of channel ${channelId} was not stored.`)
    return {
      ok: true,
      value: {
        release: typedData.signed(
          'Release',
          { provider: identity.address, channelId, ...released },
          identity.privateKey,
        ),
      },
    }

    async function giveUp(id: typeof channelId): Promise<Verdict> {
      const running = context.sessions.byChannel(id)
      if (running) await context.sessions.end(running.record.id, { code: 'channel-closing', channelId: id })
      commit.flush()
      const promise = promises.channel(id)?.promise
      if (promise === undefined || promise.amount <= promise.cleared) return { ok: true }
      const settlement = context.settlementWith(channel.hub)
      if (settlement === undefined) return refuse({ code: 'hub-not-accepted', hub: channel.hub })
      const cleared = await settlement.clear()
      const after = promises.channel(id)?.promise
      if (after && after.amount <= after.cleared) return { ok: true }
      return cleared.ok ? refuse({ code: 'hub-unreachable', hub: channel.hub }) : cleared
    }
  }
}
