import { type Address, type Hex, judgeParty, type Refusal } from '@pontage/shared'
import { decodePromise, encodeAccepted, type Link } from '@pontage/shared/node'
import { judgePromise } from '../../core/creditLine.js'
import type { Components } from '../components.js'
import type { CreditLines } from './creditLines.js'
import type { ExposureGate } from './exposureGate.js'

/** Takes micro-promises: checked, stored, then acknowledged, then worth traffic; in that order. */
export function acceptPromises(
  { identity, typedData, clock, commit, log }: Components,
  lines: CreditLines,
  sessions: { byChannel(channelId: Hex): unknown },
  gate: Pick<ExposureGate, 'promised'>,
  events: {
    /** One came for a channel on which no session runs. */
    readonly paidLate: (hub: Address) => void
    /** The disk failed: nothing more can be accepted. */
    readonly failed: (error: unknown) => void
  },
): (frame: Buffer, link: Link) => Refusal | undefined {
  return (frame, link) => {
    const promise = decodePromise(frame)
    if (promise === undefined) return { code: 'malformed-frame', kind: frame[0] ?? 0, length: frame.length }
    const { channelId, amount, signature } = promise
    const line = lines.get(channelId)
    if (line === undefined) return { code: 'no-guarantee', channelId }
    // Before any signature is looked at: whoever relays or invents promises has nothing checked.
    const asked = judgeParty(link.peer, line.consumer)
    if (!asked.ok) return asked.refusal
    const verdict = judgePromise(line, amount)
    if (!verdict.ok) return verdict.refusal
    const document = { channelId, provider: identity.address, amount, signature }
    const signed = typedData.check('MicroPromise', document, line.consumer)
    if (!signed.ok) return signed.refusal
    lines.accept(line, amount)
    commit.keep({ channelId, amount, signature, at: clock.now() }).then(
      (kept) => {
        // Of promises stored together, the largest speaks for all.
        if (kept.amount !== amount) return
        link.sendFrame(encodeAccepted(amount))
        log.debug('promise accepted', { channelId, amount })
        const { hub } = line.parties
        if (sessions.byChannel(channelId)) gate.promised(hub, channelId, amount)
        else events.paidLate(hub)
      },
      (error: unknown) => events.failed(error),
    )
    return undefined
  }
}
