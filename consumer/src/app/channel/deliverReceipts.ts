import { type Document, type Hex, unixSeconds } from '@pontage/shared'
import { type Link, UserError } from '@pontage/shared/node'
import type { StoredReceipt } from '../../core/journalEntry.js'
import { readChannels } from '../../io/chain/channelReader.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import { connectHub } from '../hub/hubLink.js'

/** Receipts that one request may carry. */
const receiptsInRequest = 100
/** The hub does not count it yet: the provider has not cleared, or the deposit is not confirmed. */
const notYet = ['uncovered-receipt', 'unknown-channel']

/**
 * Gives a hub the receipts of a channel that it has not counted yet. Goes past the provider, who would lose the
 * bad ones. What fails is left for the next time: nobody's session or money depends on it.
 *
 * @returns How many need not be sent again.
 */
export async function deliverReceipts(
  { log }: Pick<Context, 'log'>,
  journal: Journal,
  channelId: Hex,
  link: Link,
): Promise<number> {
  const waiting = journal
    .trail()
    .undelivered()
    .filter((receipt) => receipt.channelId === channelId)
  let done = 0
  for (let start = 0; start < waiting.length; start += receiptsInRequest) {
    const some = waiting.slice(start, start + receiptsInRequest)
    const answer = await link.request('receipts', { receipts: some.map(documentOf) })
    if (!answer.ok) {
      log.info('receipts not taken', { code: answer.refusal.code })
      return done
    }
    const kept = answer.value.refused.filter(({ code }) => notYet.includes(code)).map(({ index }) => index)
    for (const [index, { signature }] of some.entries()) {
      if (kept.includes(index)) continue
      await journal.record({ kind: 'delivered', signature })
      done += 1
    }
  }
  return done
}

/**
 * Signs a session's receipt anew with a score, and brings it to the channel's hub.
 *
 * @param number - Of the session in the history, from 1.
 * @returns Whether the hub has it; if not, it goes with the next talk to that hub.
 * @throws UserError when there is no such session, or it cost nothing.
 */
export async function rate(
  context: Context,
  journal: Journal,
  number: number,
  score: number,
): Promise<{ receipt: StoredReceipt; delivered: boolean }> {
  const { clock, typedData, identity } = context
  const before = journal.trail().receipts()[number - 1]
  if (before === undefined)
    throw new UserError(`There is no session ${number}. Run "pontage history" to list them.`)
  if (before.spent === 0n)
    throw new UserError('A session that cost nothing does not count, so it cannot be rated.')
  const { signature: replaces, ...document } = documentOf(before)
  // Strictly later than the one before, else it would be no news.
  const endedAt = unixSeconds(Math.max(clock.now(), before.endedAt + 1))
  const signed = typedData.signed('SessionReceipt', { ...document, score, endedAt }, identity.privateKey)
  const sessionEndedAt = before.sessionEndedAt ?? before.endedAt
  const receipt: StoredReceipt = { ...before, ...signed, sessionEndedAt }
  await journal.record({ kind: 'receipt', receipt, replaces })
  return { receipt, delivered: await bring(context, journal, receipt) }
}

async function bring(
  context: Context,
  journal: Journal,
  { channelId, signature }: StoredReceipt,
): Promise<boolean> {
  const channels = await readChannels(context.home, context.chain, context.identity.address)
  const channel = channels.find((each) => each.channelId === channelId)
  if (channel === undefined) return false
  try {
    const { link } = await connectHub(context, channel.hub, { mustBeSound: false })
    await deliverReceipts(context, journal, channelId, link).finally(() => link.close())
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    context.log.info('receipts not brought', { reason: error.message })
  }
  return journal
    .trail()
    .undelivered()
    .every((each) => each.signature !== signature)
}

/** What was signed, and the signature. */
const documentOf = ({
  provider,
  channelId,
  amount,
  bytes,
  throughputKbps,
  score,
  endedAt,
  signature,
}: StoredReceipt): Document<'SessionReceipt'> & { signature: Hex } => ({
  ...{ provider, channelId, amount, bytes, throughputKbps, score, endedAt, signature },
})
