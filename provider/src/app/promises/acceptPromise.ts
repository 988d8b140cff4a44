import type { Refusal, Wei } from '@pontage/shared'
import { decodePromise, encodeAccepted, type Link } from '@pontage/shared/node'
import { judgePromise } from '../../core/creditLine.js'
import type { Parts } from '../components.js'
import type { CreditLines, OpenLine } from './creditLines.js'

/** Takes micro-promises: checked, stored, then acknowledged, then worth traffic; in that order. */
export function createPromiseDesk(
  { identity, typedData, clock, commit, log }: Parts,
  lines: CreditLines,
  told: {
    /** A larger promise is on disk. */
    stored: (line: OpenLine, total: Wei) => void
    /** The disk failed: nothing more can be accepted. */
    failed: (error: unknown) => void
  },
): (frame: Buffer, link: Link) => Refusal | undefined {
  return (frame, link) => {
    const promise = decodePromise(frame)
    if (promise === undefined) return { code: 'malformed-frame', kind: frame[0] ?? 0, length: frame.length }
    const { channelId, amount, signature } = promise
    const line = lines.get(channelId)
    if (line === undefined) return { code: 'no-guarantee', channelId }
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
        told.stored(line, amount)
      },
      (error: unknown) => told.failed(error),
    )
    return undefined
  }
}
