import { jsonEvents } from '@pontage/shared/node'
import { capLeft } from '../../core/cap.js'
import type { StoredReceipt } from '../../core/journalEntry.js'
import { spentIn } from '../../core/session.js'
import type { Screen } from './screen.js'
import { budgetLeft, sums, usedIn } from './sums.js'

/** One event a line, for programs. Amounts are decimal strings of the token's smallest unit. */
export function jsonScreen(write: (line: string) => void): Screen {
  const say = jsonEvents(write)
  return {
    chosen({ chosen: { offer, hub }, others, unfit }, most) {
      const { proposal, price, standing } = offer
      say('chosen', {
        provider: proposal.provider,
        price: price.perMegabyte,
        pricePerHour: price.perHour,
        country: proposal.country,
        endpoint: proposal.endpoint,
        hub,
        stake: standing.stake,
        faults: standing.faults,
        debt: standing.debt,
        others: others.map((each) => ({ provider: each.proposal.provider, price: each.price.perMegabyte })),
        unfit: unfit.map((each) => ({ provider: each.offer.proposal.provider, reason: each.reason })),
        mostToSpend: most.amount,
        mostBecause: most.because,
      })
    },
    refused: ({ provider, code, message }) => say('refused', { provider, code: code ?? null, message }),
    opened: (channel) => say('opened', channel),
    refilled: (message) => say('topped-up', { message }),
    connected: ({
      provider,
      country,
      price,
      interface: name,
      wireguard,
      address4,
      address6,
      gateway4,
      limit,
      netns,
      path,
      carrier,
      proxy,
      postQuantum,
      stepsMs,
    }) =>
      say('connected', {
        provider,
        country,
        price: price.perMegabyte,
        pricePerHour: price.perHour,
        interface: name,
        wireguard,
        address: address4,
        address6,
        gateway: gateway4,
        limitBytes: limit === undefined ? null : Number(limit),
        netns: netns ?? null,
        ...path,
        carrier,
        proxy,
        postQuantum,
        stepsMs,
      }),
    report({ kind, session, bytesPerSecond, latencyMs, message }, budget) {
      if (kind !== 'progress')
        return say(kind, {
          promised: session.promised,
          accepted: session.accepted,
          ceiling: session.ceiling,
          ...(message === undefined ? {} : { message }),
        })
      say('progress', {
        downBytes: Number(session.downBytes),
        upBytes: Number(session.upBytes),
        bytesPerSecond: Math.round(bytesPerSecond),
        spent: spentIn(session),
        capLeft: session.limit === undefined ? null : Number(capLeft(session.limit, usedIn(session))),
        budgetLeft: budgetLeft(budget, session) ?? null,
        promises: session.promises,
        latencyMs: latencyMs === undefined ? null : Math.round(latencyMs * 10) / 10,
      })
    },
    interfered: ({ part, problem }) => say('interfered', { part, problem: problem ?? null }),
    carried: (carrier) => say('carrier', { carrier }),
    warned: (message) => say('warning', { message }),
    failedOver: (session, receipt) =>
      say('failed-over', {
        provider: receipt.provider,
        reason: session.reason,
        message: session.message ?? null,
        receipt: signedPart(receipt),
      }),
    ended(session, sessions) {
      const receipts = sessions.map(({ receipt }) => signedPart(receipt))
      say('ended', {
        reason: session.reason,
        message: session.message ?? null,
        ...sums(sessions),
        receipt: receipts.at(-1),
        receipts,
      })
    },
  }
}

/** What of a receipt is signed, and the signature. */
const signedPart = (receipt: StoredReceipt) => ({
  provider: receipt.provider,
  channelId: receipt.channelId,
  amount: receipt.amount,
  bytes: receipt.bytes,
  throughputKbps: receipt.throughputKbps,
  score: receipt.score,
  endedAt: receipt.endedAt,
  signature: receipt.signature,
})
