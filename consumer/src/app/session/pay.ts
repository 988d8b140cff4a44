import type { Address, Hex, Refusal, Wei } from '@pontage/shared'
import { decodeAccepted, encodePromise, type Link } from '@pontage/shared/node'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'

/** Pays one provider out of one channel. */
export interface Payer {
  /**
   * Makes the total durable, signs it, sends it. The same total may be sent again.
   *
   * @throws RangeError for a total below an earlier one; nothing is signed then.
   */
  pay(amount: Wei): Promise<void>
  /** Where promises go from now on. */
  use(link: Link): void
  /** Takes a frame that came back; refuses one that is no acceptance. */
  receive(frame: Buffer): Refusal | undefined
}

/** @param accepted - Told of each total the provider confirms, and how long that took. */
export function createPayer(
  context: Omit<Context, 'chain'>,
  journal: Journal,
  party: { channelId: Hex; provider: Address },
  accepted: (amount: Wei, latencyMs: number | undefined) => void,
): Payer {
  const { channelId, provider } = party
  const { typedData, identity, clock, calendar } = context
  let link: Link | undefined
  let waiting: { amount: Wei; sentAt: number } | undefined
  return {
    use(next) {
      link = next
    },
    async pay(amount) {
      // On the disk before it leaves: after a crash no lower total can be signed.
      await journal.record({ kind: 'total', channelId, provider, amount, at: calendar.now() })
      const signature = typedData.sign('MicroPromise', { channelId, provider, amount }, identity.privateKey)
      waiting ??= { amount, sentAt: clock.elapsedMs() }
      link?.sendFrame(encodePromise({ channelId, amount, signature }))
    },
    receive(frame) {
      const amount = decodeAccepted(frame)
      if (amount === undefined) return { code: 'malformed-frame', kind: frame[0] ?? 0, length: frame.length }
      const latencyMs = waiting && amount >= waiting.amount ? clock.elapsedMs() - waiting.sentAt : undefined
      if (latencyMs !== undefined) waiting = undefined
      accepted(amount, latencyMs)
      return undefined
    },
  }
}
