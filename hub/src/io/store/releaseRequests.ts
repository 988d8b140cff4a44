import { type Signed, unixSeconds, wei } from '@pontage/shared'
import type { ReleaseRequest } from '../ledger.js'
import { type Row, statement } from './engine.js'
import type { Order } from './order.js'
import { addressOf, hexOf } from './rows.js'

// Rows live for the seconds between a question and its answer, so that they are no part of a dump.

const forget = statement('{with:number} DELETE FROM release_request WHERE asked_at < ?1')
const ask = statement(`
  INSERT INTO release_request (channel_id, provider, consumer, nonce, asked_at)
  {rows:bytes,bytes,bytes,number,number}
  ON CONFLICT (channel_id, provider) DO UPDATE SET asked_at = excluded.asked_at, answer = NULL`)
const answer = statement(`{with:text,bytes,bytes}
  UPDATE release_request SET answer = ?1 WHERE channel_id = ?2 AND provider = ?3`)
export const readReleaseRequests = statement(`{with:number}
  SELECT channel_id, provider, consumer, nonce FROM release_request WHERE asked_at >= ?1 AND answer IS NULL`)
export const findReleaseAnswer = statement(
  'SELECT answer FROM release_request WHERE (channel_id, provider) {among:bytes,bytes}',
)

/** Asks whichever process is connected to the provider; what was asked for before `since` is forgotten. */
export const requestReleaseOrder = (request: ReleaseRequest, at: number, since: number): Order<void> => ({
  apply: (unit) => {
    const { channelId, provider, consumer, nonce } = request
    unit.write(forget, [since])
    unit.write(ask, [channelId, provider, consumer, nonce, at])
  },
})

export const answerReleaseOrder = (
  { channelId, provider }: Pick<ReleaseRequest, 'channelId' | 'provider'>,
  release: Signed<'Release'> | undefined,
): Order<void> => ({
  apply: (unit) => {
    const { amount, upTo, signature } = release ?? {}
    const text = JSON.stringify(release ? { amount: `${amount}`, upTo, signature } : {})
    unit.write(answer, [text, channelId, provider])
  },
})

export const releaseRequestFrom = (row: Row): ReleaseRequest => ({
  channelId: hexOf(row.channel_id),
  provider: addressOf(row.provider),
  consumer: addressOf(row.consumer),
  nonce: Number(row.nonce),
})

export function releaseFrom(
  { channelId, provider }: Pick<ReleaseRequest, 'channelId' | 'provider'>,
  row: Row | undefined,
): Signed<'Release'> | 'none' | undefined {
  if (row?.answer === undefined || row.answer === null) return undefined
  const { amount, upTo, signature } = JSON.parse(String(row.answer))
  if (signature === undefined) return 'none'
  return { provider, channelId, amount: wei(BigInt(amount)), upTo: unixSeconds(upTo), signature }
}
