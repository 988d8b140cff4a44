import { setTimeout as delay } from 'node:timers/promises'
import { bytes, type UnixSeconds, wei } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import { defaultBudget, isTooLittle } from '../../core/cap.js'
import { monthOf, withBudget } from '../../core/limits.js'
import { mayServeAgain } from '../../core/overpaid.js'
import type { EndReason } from '../../core/session.js'
import type { Journal } from '../../io/home/journal.js'
import { recursiveResolver, whyResolverFails } from '../../io/kernel/recursiveResolver.js'
import { NotRestored } from '../../io/kernel/restore.js'
import { keepInForce } from '../../io/kernel/upkeep.js'
import type { Opening } from '../context.js'
import { leftNow, UsedUp } from '../session/limits.js'
import { writeReceipt } from '../session/receipt.js'
import { type Connection, type ConnectWishes, createConnection, PathRefused, usedBy } from './connection.js'
import { findPaths, type Path } from './findPaths.js'
import { openSession } from './openSession.js'
import type { Screen } from './screen.js'
import { stepDone } from './timings.js'

/** Ends after which the next provider is tried. */
const failures: readonly EndReason[] = ['provider', 'payment', 'counts', 'slow', 'undelivered', 'lost']
/** Ends by the user's own limits, of which those of a month hold anew in the next. */
const used: readonly EndReason[] = ['cap', 'budget']
/** Before the only provider there is, which delivers nothing, is tried again. */
const undeliveredPauseMs = 30_000
/** Between two rounds over all providers: each pause is longer than the one before, until something changes. */
const pauseMs = 1_000
const longestPauseMs = 15_000

/**
 * Finds a provider, brings up the tunnel behind the kill switch, pays while bytes flow, goes on with the next
 * provider when one fails, and ends cleanly.
 *
 * @returns Why it ended. After `user` the machine is as it was; otherwise the kill switch stays on.
 * @throws UserError when it cannot begin; the machine is as it was then.
 */
export async function connect(
  opening: Opening,
  journal: Journal,
  wishes: ConnectWishes,
  screen: Screen,
  stop: AbortSignal,
): Promise<EndReason> {
  const left = leftNow(opening.reader, journal, wishes.limits, { bytes: bytes(0n), spent: wei(0n) })
  const [{ paths, budget }, context] = await Promise.all([
    findPaths(opening, journal, wishes, left, screen),
    opening.context,
  ])
  stepDone('offers, channel and key')
  const resolver = wishes.netns === undefined ? recursiveResolver() : undefined
  if (resolver !== undefined) screen.warned(whyResolverFails(resolver))
  const upkeep = keepInForce({ netns: wishes.netns, tell: screen.interfered })
  const connection = createConnection({
    ...{ context, journal, wishes, screen, stop, upkeep, paths },
    limits: withBudget(wishes.limits, budget),
  })
  try {
    return await goThrough(connection, paths)
  } catch (error) {
    if (error instanceof NotRestored) throw error // Tried already, every step of it.
    await connection.move({ type: 'gaveUp' }).catch((left: Error) => {
      throw new UserError(`${(error as Error).message} ${left.message}`, { cause: error })
    })
    throw error
  } finally {
    await upkeep.close()
  }
}

/** One session after the other, until one ends as it should or nobody is left. */
async function goThrough(connection: Connection, paths: readonly Path[]): Promise<EndReason> {
  const { context, wishes, screen, stop } = connection
  const { clock, calendar } = context
  const { retryForMs = Number.POSITIVE_INFINITY } = wishes
  let candidates = paths
  let giveUpAtMs: number | undefined
  for (;;) {
    const since = calendar.now()
    const served = await firstToServe(connection, candidates, giveUpAtMs)
    const last = connection.ended.at(-1)
    const reason = stop.aborted ? 'user' : (last?.session.reason ?? 'provider')
    if (last === undefined) throw new Error('A session ended that never was.')
    if (served === undefined) candidates = []
    else if (used.includes(reason))
      candidates = goesOnInNewMonth(connection, served, since)
        ? paths.filter((path) => mayServe(connection, path))
        : []
    else if (!failures.includes(reason)) candidates = []
    else candidates = after(served, candidates, mayServe(connection, served))
    const because = reason === 'user' ? 'user' : candidates.length === 0 ? 'limit' : 'next'
    const moved = connection.move({ type: 'over', because })
    if (candidates.length === 0) {
      // The receipt is told whatever became of the machine.
      await moved.finally(() => screen.ended({ ...last.session, reason }, connection.ended))
      return reason
    }
    await moved
    screen.failedOver(last.session, last.receipt)
    if (reason === 'undelivered' && candidates[0] === served)
      await changesWithin(connection, undeliveredPauseMs)
    giveUpAtMs = clock.elapsedMs() + retryForMs
  }
}

/**
 * Tries the providers in turn, again and again until `giveUpAtMs`; once where that is left out. A line that is back, or a
 * clock that was set, cuts the pause short.
 *
 * @returns The one whose session has ended, recorded; undefined when time is up or the user has had enough.
 * @throws UserError when nobody served at the first round.
 */
async function firstToServe(
  connection: Connection,
  candidates: readonly Path[],
  giveUpAtMs: number | undefined,
): Promise<Path | undefined> {
  const { context, journal, screen, stop, ended } = connection
  const isFirst = giveUpAtMs === undefined
  const refusals: PathRefused[] = []
  const said = new Map<Path, string>()
  for (let pause = pauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
    for (const path of candidates) {
      if (stop.aborted && isFirst) throw new UserError('Stopped before anything was connected.')
      if (stop.aborted) return undefined
      try {
        const { id, session } = await openSession(connection, path, said.has(path))
        const party = { provider: path.offer.proposal.provider, channelId: path.channel.channelId }
        const receipt = await writeReceipt(context, journal, party, session)
        const { base, ceiling, promised } = session
        ended.push({ ...party, id, session, receipt, base, ceiling, promised })
        return path
      } catch (error) {
        if (!(error instanceof PathRefused)) throw error
        if (error.cause instanceof UsedUp && !isFirst) throw error.cause
        if (isFirst) refusals.push(error)
        // Asked for hours, it need not say the same thing each time.
        if (said.get(path) !== error.message) screen.refused(error)
        said.set(path, error.message)
      }
    }
    if (isFirst) throw nobodyServed(refusals)
    if (context.clock.elapsedMs() >= giveUpAtMs) return undefined
    await delay(pauseMs, undefined, { signal: stop }).catch(() => undefined)
    if (await changesWithin(connection, pause - pauseMs)) pause = pauseMs
  }
}

/** Waits until the network or the clock changes, time is up, or the user has had enough. @returns Whether it changed. */
async function changesWithin({ upkeep, stop }: Connection, ms: number): Promise<boolean> {
  const changed = new AbortController()
  const forget = upkeep.onChange(() => changed.abort())
  const signal = AbortSignal.any([stop, changed.signal])
  await delay(ms, undefined, { signal }).catch(() => undefined)
  forget()
  return changed.signal.aborted
}

/**
 * Whether a month began since then whose limits leave something to the connection that used up those of the last one. A budget
 * that nobody set is then the price of what the cap leaves in it.
 */
function goesOnInNewMonth(connection: Connection, { offer }: Path, since: UnixSeconds): boolean {
  const { context, journal, wishes } = connection
  const { caps, budgets } = wishes.limits
  const isOfMonth = [...caps, ...budgets].some(({ period }) => period === 'month')
  if (!isOfMonth || monthOf(context.calendar.now()) === monthOf(since)) return false
  const already = usedBy(connection)
  try {
    const { cap, budget } = leftNow(context, journal, wishes.limits, already)
    if (budget === undefined)
      connection.limits = withBudget(
        wishes.limits,
        connection.limits.budgets.length === 0
          ? undefined
          : wei(already.spent + defaultBudget(cap, offer.price)),
      )
    return budget === undefined || !isTooLittle(budget, offer.price)
  } catch (error) {
    if (error instanceof UsedUp) return false
    throw error
  }
}

/** Who comes next: those behind the one that failed, then those before it, and that one last, if at all. */
function after(failed: Path, candidates: readonly Path[], again: boolean): Path[] {
  const at = candidates.indexOf(failed)
  const others = [...candidates.slice(at + 1), ...candidates.slice(0, at)]
  return again ? [...others, failed] : others
}

/** Whether a provider may have another session, after those that it had. */
function mayServe({ ended }: Connection, { offer }: Path): boolean {
  const own = ended.filter(({ provider }) => provider === offer.proposal.provider)
  return mayServeAgain(own.map(({ session }) => session))
}

function nobodyServed(refusals: readonly PathRefused[]): Error {
  const [first] = refusals
  if (first && refusals.length === 1) return first.cause
  const told = refusals.map(({ provider, message }) => `${provider}: ${message}`).join(' ')
  return new UserError(`None of the ${refusals.length} providers served. ${told}`, { cause: first })
}
