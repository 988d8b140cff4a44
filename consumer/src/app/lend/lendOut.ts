import { setTimeout as delay } from 'node:timers/promises'
import { type Price, unixSeconds, wei } from '@pontage/shared'
import { timeOf, UserError } from '@pontage/shared/node'
import type { ExpectedUse } from '../../core/choose.js'
import {
  isUsedUp,
  type LendLimits,
  type LendUsed,
  parseLendLimits,
  renewedAt,
  tighter,
} from '../../core/lendLimits.js'
import { dayOf, joinLimits, type Left, type Limits, leftOf, monthOf } from '../../core/limits.js'
import type { Journal } from '../../io/home/journal.js'
import type { Lending } from '../../io/home/lendings.js'
import { sentenceOfEnd } from '../connect/endings.js'
import { findPaths, type Path, type PathScreen } from '../connect/findPaths.js'
import { alreadyOpen, type Context } from '../context.js'
import { leftOfMonth, UsedUp } from '../session/limits.js'
import type { SessionReport } from '../session/runSession.js'
import { lentSession, PlaceTaken, priceLimit } from './lentSession.js'

/** How a lending stands: `waiting` for the end of a day or month that is used up, `seeking` its provider. */
export type LendingState = 'seeking' | 'lent' | 'suspended' | 'waiting' | 'over'

/** What is told of a lending. */
export interface LendingTold {
  /** It stands. @param isNew - Whether the other machine has to be told another configuration than before */
  lent(lending: Lending, terms: LentTerms, isNew: boolean): void
  moved(state: LendingState, because: string | null): void
  said(sentence: string): void
  report(report: SessionReport): void
}

/** What was agreed with the provider. */
export interface LentTerms {
  readonly price: Price
  readonly country: string
  readonly endpoint: string
  /** Bytes a second that are paid for at most; undefined where the provider names no speed. */
  readonly rate: bigint | undefined
  readonly postQuantum: boolean
}

/** What it takes to lend. */
export interface Lender {
  readonly context: Context
  readonly journal: Journal
  /** Limits of the user for each connection, for months, and of prices. */
  readonly general: Limits
  readonly use: ExpectedUse
  readonly hub: Parameters<typeof findPaths>[2]['hub']
}

const pauseMs = 1_000
const longestPauseMs = 15_000
/** How often a provider that still keeps the old addresses is asked again. */
const placeTries = 8
const lookEveryMs = 30_000

/**
 * Lends until it is over: one session after the other with the same provider, under the same keys.
 *
 * @returns Whether it ended as its user meant it to: stopped, or used up.
 * @throws UserError when it does not begin.
 */
export async function lendOut(
  lender: Lender,
  begun: Lending,
  told: LendingTold,
  stop: AbortSignal,
): Promise<boolean> {
  const { context } = lender
  let lending = begun
  let isFirst = true
  let placesTried = 0
  const limits = withGeneral(parseLendLimits(begun.limits, context.chain.tokenDecimals), lender.general)
  for (let pause = pauseMs; !stop.aborted; ) {
    const left = leftNow(lender, lending, limits)
    try {
      if (isUsedUp(left, perMegabyteOf(lending))) {
        if (await waitForMore(lender, lending, limits, told, stop)) continue
        return true
      }
      told.moved('seeking', null)
      const served = await tryAll(
        lender,
        lending,
        limits,
        left,
        told,
        placesTried >= placeTries,
        stop,
        (kept) => {
          isFirst = false
          placesTried = 0
          pause = pauseMs
          lending = kept
        },
      )
      lending = served.lending
      pause = Math.max(pause, served.restMs)
      const { reason } = served.session
      if (reason === 'user') break
      const because = sentenceOfEnd(served.session)
      if (reason === 'counts') {
        told.moved('over', because)
        told.said(
          `The lending is over: ${because} It is not taken up again; "pontage lend stop ${lending.name}" forgets it.`,
        )
        return false
      }
      if (reason === 'cap' || reason === 'budget') continue
      told.moved('seeking', because)
      told.said(`The session ended: ${because} Opening it again; the configuration stays.`)
    } catch (error) {
      if (stop.aborted) break
      if (error instanceof UsedUp && !isFirst) {
        if (await waitForMore(lender, lending, limits, told, stop)) continue
        return true
      }
      if (error instanceof PlaceTaken) placesTried++
      else if (isFirst || !(error instanceof UserError)) throw error
      told.moved('seeking', (error as Error).message)
    }
    await delay(pause, undefined, { signal: stop }).catch(() => undefined)
    pause = Math.min(2 * pause, longestPauseMs)
  }
  told.moved('over', null)
  return true
}

/** The first of the providers that serves; a lending that has one has no other. @throws UserError of the first that refused */
async function tryAll(
  lender: Lender,
  lending: Lending,
  limits: LendLimits,
  left: Left,
  told: LendingTold,
  mayMove: boolean,
  stop: AbortSignal,
  stands: (lending: Lending) => void,
) {
  const { context, journal } = lender
  const maxPrice = priceLimit(joined(lender.general.maxPrice, limits.maxPrice), lending)
  const { paths } = await findPaths(
    alreadyOpen(context),
    journal,
    {
      ...{ provider: lending.provider, country: lending.country, use: lender.use, hub: lender.hub },
      limits: { maxPrice, caps: [], budgets: [] },
      ...{ deposit: undefined, topUp: undefined, maxRelayFee: wei(0n) },
    },
    left,
    silentPathScreen(told),
  )
  const refusals: Error[] = []
  let isStanding = false
  for (const path of paths) {
    try {
      return await lentSession({
        ...{ context, journal, lending, path, left, maxPrice, mayMove, stop, rate: limits.rate },
        leftForAll: () => leftForAll(lender),
        lent: (kept, terms) => {
          isStanding = true
          const { country, endpoint } = path.offer.proposal
          stands(kept)
          told.lent(kept, { ...terms, country, endpoint }, kept.configuration !== lending.configuration)
          told.moved('lent', null)
        },
        report: (report) => {
          if (report.kind === 'suspended') told.moved('suspended', 'The provider waits for payment.')
          if (report.kind === 'resumed') told.moved('lent', null)
          if (report.kind === 'reconnecting') told.moved('suspended', 'The provider cannot be reached.')
          if (report.kind === 'reconnected') told.moved('lent', null)
          told.report(report)
        },
      })
    } catch (error) {
      if (isStanding || error instanceof UsedUp || error instanceof PlaceTaken || stop.aborted) throw error
      refusals.push(refusedBy(path, error as Error))
    }
  }
  const [first] = refusals
  throw first ?? new UserError('No provider was found.')
}

const refusedBy = (path: Path, error: Error): Error =>
  error instanceof UserError
    ? new UserError(`${path.offer.proposal.provider} refused: ${error.message}`, { cause: error })
    : error

const silentPathScreen = (told: LendingTold): PathScreen => ({
  ...{ chosen() {}, opened() {}, refilled() {} },
  refused: ({ provider, message }) => told.said(`${provider} refused: ${message}`),
  warned: (sentence) => told.said(sentence),
})

/** Waits until the day or month is over. @returns Whether there is more then; false where it is used up for good, or stopped */
async function waitForMore(
  lender: Lender,
  lending: Lending,
  limits: LendLimits,
  told: LendingTold,
  stop: AbortSignal,
): Promise<boolean> {
  const { calendar } = lender.context
  const until =
    renewedAt(limits, usedBy(lender, lending), calendar.now(), perMegabyteOf(lending)) ??
    generalRenewedAt(lender, lending, limits)
  if (until === undefined) {
    told.moved('over', 'Its budget or its cap is used up.')
    told.said(
      `The lending is over: its budget or its cap is used up. "pontage lend stop ${lending.name}" forgets it; with another --budget or --cap it goes on.`,
    )
    return false
  }
  const because = `Its budget or its cap is used up until ${timeOf(until)}.`
  told.moved('waiting', because)
  told.said(because)
  while (calendar.now() < until && !stop.aborted)
    await delay(Math.min(lookEveryMs, (until - calendar.now()) * 1_000), undefined, { signal: stop }).catch(
      () => undefined,
    )
  return !stop.aborted
}

/** The user's own limit of this month for everything is what is used up, and ends with it. */
function generalRenewedAt(lender: Lender, lending: Lending, limits: LendLimits) {
  if (isUsedUp(leftOf(limits, usedBy(lender, lending)), perMegabyteOf(lending))) return undefined
  const now = lender.context.calendar.now()
  const [year = 0, month = 0] = monthOf(now).split('-').map(Number)
  return unixSeconds(Date.UTC(year, month, 1) / 1_000)
}

function leftNow(lender: Lender, lending: Lending, limits: LendLimits): Left {
  return tighter(leftForAll(lender), leftOf(limits, usedBy(lender, lending)))
}

/** What everything of this home may still use: other lendings, and a connection beside them, use it up, too. */
const leftForAll = ({ context, journal, general }: Lender): Left => leftOfMonth(context, journal, general)

/** What a lending has cost and carried. */
function usedBy({ context, journal }: Lender, { id }: Lending): LendUsed {
  const { usage } = journal.trail()
  const now = context.calendar.now()
  return {
    lending: usage.lentIn(id, ''),
    month: usage.lentIn(id, monthOf(now)),
    day: usage.lentIn(id, dayOf(now)),
  }
}

/** What the user allows one connection holds for a lending, too: for all of its time. */
function withGeneral(limits: LendLimits, { caps, budgets }: Limits): LendLimits {
  const ofOne = <Each extends { readonly period: string }>(all: readonly Each[]) =>
    all.filter(({ period }) => period === 'connect').map((each) => ({ ...each, period: 'lending' as const }))
  return {
    ...limits,
    caps: [...limits.caps, ...ofOne(caps)],
    budgets: [...limits.budgets, ...ofOne(budgets)],
  }
}

const perMegabyteOf = ({ price }: Lending) => price && { perMegabyte: BigInt(price.perMegabyte) }

const joined = (one: Limits['maxPrice'], other: Limits['maxPrice']): Limits['maxPrice'] =>
  joinLimits([one, other].map((maxPrice) => ({ maxPrice, caps: [], budgets: [] }))).maxPrice
