import { wei } from '@pontage/shared'
import type { StoredReceipt } from '../../core/journalEntry.js'
import { type Session, spentIn } from '../../core/session.js'
import type { ConnectionRecord } from '../../io/home/connectionFile.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'

/** A score of zero says nothing: the user has not rated the session. */
const unrated = 0

/**
 * Signs what the session was and keeps it. Its amount is the running total that the session reached, so that
 * a receipt names the promise it goes with.
 */
export async function writeReceipt(
  context: Context,
  journal: Journal,
  record: Pick<ConnectionRecord, 'provider' | 'channelId'>,
  session: Session,
): Promise<StoredReceipt> {
  const bytes = Number(session.downBytes + session.upBytes)
  const seconds = Math.max(1, Math.round(session.forwardingMs / 1_000))
  const signed = context.typedData.signed(
    'SessionReceipt',
    {
      provider: record.provider,
      channelId: record.channelId,
      amount: session.promised,
      bytes,
      throughputKbps: Math.min(0xffff_ffff, Math.round((bytes * 8) / 1_000 / seconds)),
      score: unrated,
      endedAt: context.clock.now(),
    },
    context.identity.privateKey,
  )
  const receipt: StoredReceipt = {
    ...signed,
    amount: wei(signed.amount),
    downBytes: Number(session.downBytes),
    upBytes: Number(session.upBytes),
    promises: session.promises,
    seconds,
    spent: spentIn(session),
    reason: session.reason ?? 'provider',
  }
  await journal.record({ kind: 'receipt', receipt })
  return receipt
}
