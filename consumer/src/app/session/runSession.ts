import { setTimeout as delay } from 'node:timers/promises'
import { type Address, bytes, type Hex, type Notice, type Wei } from '@pontage/shared'
import type { Handlers, Link } from '@pontage/shared/node'
import { lookAgainAfterMs } from '../../core/pace.js'
import {
  begin,
  type Effect,
  type EndReason,
  type Session,
  type SessionEvent,
  step,
} from '../../core/session.js'
import type { Journal } from '../../io/home/journal.js'
import type { Meter } from '../../io/kernel/meter.js'
import type { Context } from '../context.js'
import { createPayer } from './pay.js'
import { attach, type Door } from './paymentSocket.js'
import { recordUsage } from './usage.js'

/** What is told of a session while it runs. */
export interface SessionReport {
  readonly kind: 'progress' | 'suspended' | 'resumed' | 'reconnecting' | 'reconnected'
  readonly session: Session
  readonly bytesPerSecond: number
  /** From a promise's leaving to its confirmation, the latest. */
  readonly latencyMs: number | undefined
}

export interface SessionOptions {
  readonly context: Context
  readonly journal: Journal
  readonly meter: Meter
  readonly terms: Parameters<typeof begin>[0]
  readonly party: { readonly channelId: Hex; readonly provider: Address }
  readonly door: Door
  /** What is wrong with the tunnel, if something is; asked every few seconds. */
  readonly health: () => Promise<string | undefined>
  /** Told once payment works inside the tunnel. */
  readonly attached: () => void
  readonly report: (report: SessionReport) => void
  /** How long a provider may be out of reach before it counts as lost. */
  readonly patienceMs: number
  /** Aborted when the user has had enough. */
  readonly stop: AbortSignal
}

const reportEveryMs = 1_000
/** How long the first attachment may take. */
const attachPatienceMs = 20_000
const checkHealthEveryMs = 2_000
/** How long the provider may take to confirm the last promise and to close its books. */
const settlePatienceMs = 5_000
const farewellMs = 2_000

/**
 * Keeps one session from the first byte to the last promise. Events come from the counters, the payment
 * socket and the user; `step` decides; each total is on the disk before it leaves.
 *
 * @returns The session as it ended.
 * @throws Error when it cannot begin, or the journal or the firewall fail; the kill switch stays then.
 */
export async function runSession(options: SessionOptions): Promise<Session> {
  const { context, journal, meter, terms, party, door, report, patienceMs, stop } = options
  const { clock } = context
  let session: Session = begin(terms, clock.elapsedMs())
  let latencyMs: number | undefined
  let bytesPerSecond = 0
  let link: Link | undefined
  let last: Promise<void> = Promise.resolve()
  let fail: (error: Error) => void = () => {}
  let finish: () => void = () => {}
  const over = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })

  /** One event after the other, each with all its effects. */
  const dispatch = (event: SessionEvent): Promise<void> => {
    last = last.then(async () => {
      const next = step(session, event)
      session = next.session
      for (const effect of next.effects) await perform(effect)
    })
    last.catch(fail)
    return last
  }
  /** An event that nobody waits for; what it fails with ends the session through `fail`. */
  const post = (event: SessionEvent, afterwards?: () => void): void => {
    dispatch(event).then(afterwards, () => {})
  }
  const tell = (kind: SessionReport['kind']) => report({ kind, session, bytesPerSecond, latencyMs })
  const payer = createPayer(context, journal, party, (amount: Wei, took) => {
    latencyMs = took ?? latencyMs
    post({ type: 'accepted', amount })
  })

  async function perform(effect: Effect): Promise<void> {
    switch (effect.type) {
      case 'promise':
        return payer.pay(effect.amount)
      case 'halt': {
        await meter.halt()
        const count = await meter.read()
        post({ type: 'halted', count, atMs: clock.elapsedMs() })
        return
      }
      case 'end':
        settle().then(() => post({ type: 'settled' }), fail)
        return
      case 'finish':
        return finish()
    }
  }

  /** Whether nothing more is to be heard of the last promise: it is confirmed, or nobody is there. */
  const isHopeless = () =>
    session.accepted >= session.promised || session.reason === 'lost' || session.reason === 'slow'

  /** Asks for the end once the last promise is confirmed, or cannot be. */
  async function settle(): Promise<void> {
    const giveUpAt = clock.elapsedMs() + settlePatienceMs
    while (link && !isHopeless() && clock.elapsedMs() < giveUpAt) await delay(10)
    if (session.reason === 'lost') return link?.terminate()
    const account = await link?.request('end', { session: door.session }, settlePatienceMs)
    if (account && !account.ok) context.log.debug('end refused', { code: account.refusal.code })
    link?.close()
  }

  const mine = (notice: { session: string }) => notice.session === door.session
  const handlers: Handlers = {
    frame: (frame) => payer.receive(frame),
    notices: {
      usage: (usage) => {
        if (mine(usage)) void compare(usage).catch(fail)
      },
      suspended: (notice) => {
        if (mine(notice)) post({ type: 'suspended', atMs: clock.elapsedMs() }, () => tell('suspended'))
      },
      resumed: (notice) => {
        if (mine(notice)) post({ type: 'resumed', atMs: clock.elapsedMs() }, () => tell('resumed'))
      },
      ended: (notice) => {
        if (mine(notice)) post({ type: 'stop', reason: reasonOf(notice), message: notice.message })
      },
    },
  }

  const gone = new AbortController()
  const isOpen = () => session.phase === 'running' || session.phase === 'suspended'

  /** Keeps a payment socket; without one for too long the provider counts as lost. */
  async function stayAttached(first: Link): Promise<void> {
    link = first
    for (;;) {
      payer.use(link)
      await link.closed
      if (!isOpen() || gone.signal.aborted) return
      await dispatch({ type: 'detached' })
      tell('reconnecting')
      try {
        link = await attach(context, door, { handlers, patienceMs, signal: gone.signal })
      } catch (error) {
        link = undefined
        if (!isOpen()) return
        await dispatch({ type: 'stop', reason: 'lost', message: (error as Error).message })
        return
      }
      if (!isOpen()) return link.close()
      payer.use(link)
      await dispatch({ type: 'reattached' })
      tell('reconnected')
    }
  }

  /** Compares like with like: their count against ours of this moment. */
  async function compare({ downBytes, upBytes }: Notice<'usage'>): Promise<void> {
    if (!isOpen()) return
    await look()
    await dispatch({ type: 'usage', downBytes: bytes(downBytes), upBytes: bytes(upBytes) })
  }

  async function look(): Promise<{ total: bigint; atMs: number }> {
    const reading = await meter.read()
    const atMs = clock.elapsedMs()
    const { downBytes, upBytes, limitReached } = reading
    await dispatch({ type: 'counted', count: reading, atMs, limitReached })
    return { total: downBytes + upBytes, atMs }
  }

  /** Into the journal, for limits that count over days. */
  const writeUsage = () =>
    recordUsage(context, journal, door.session, bytes(session.downBytes + session.upBytes))

  async function count(): Promise<void> {
    let seen = 0n
    let seenAt = clock.elapsedMs()
    let pauseMs: number | undefined
    while (isOpen()) {
      const { total, atMs } = await look()
      const passed = bytes(total > seen ? total - seen : 0n)
      pauseMs = lookAgainAfterMs(passed, atMs - seenAt, terms.credit, pauseMs)
      await delay(pauseMs)
      seen = total
      seenAt = atMs
    }
  }

  async function watch(): Promise<void> {
    while (isOpen()) {
      const problem = await options.health()
      if (problem !== undefined) await dispatch({ type: 'stop', reason: 'lost', message: problem })
      else await delay(checkHealthEveryMs, undefined, { signal: gone.signal }).catch(() => undefined)
    }
  }

  // The first time only the preferred door counts: it shows that the tunnel carries something.
  const [preferred] = door.urls
  const first = await attach(
    context,
    { ...door, urls: [preferred] },
    { handlers, patienceMs: attachPatienceMs, signal: stop },
  )
  options.attached()
  let before = { bytes: 0n, atMs: clock.elapsedMs() }
  const ticking = setInterval(() => {
    const now = { bytes: session.downBytes + session.upBytes, atMs: clock.elapsedMs() }
    bytesPerSecond = (Number(now.bytes - before.bytes) * 1_000) / (now.atMs - before.atMs)
    before = now
    if (isOpen()) tell('progress')
    void writeUsage().catch(fail)
  }, reportEveryMs)
  const onStop = () => post({ type: 'stop', reason: 'user' })
  stop.addEventListener('abort', onStop, { once: true })
  if (stop.aborted) onStop()
  void stayAttached(first).catch(fail)
  void count().catch(fail)
  void watch().catch(fail)
  try {
    await over
    await writeUsage()
    return session
  } catch (error) {
    // Else the provider would keep the place, and refuse the next session, until it misses us.
    await link?.request('end', { session: door.session }, farewellMs)
    throw error
  } finally {
    gone.abort()
    clearInterval(ticking)
    stop.removeEventListener('abort', onStop)
    link?.close()
  }
}

/** What a provider's word for the end means to us. */
const reasonOf = (notice: Notice<'ended'>): EndReason =>
  notice.code === 'payment-overdue' ? 'payment' : notice.code === 'counts-differ' ? 'counts' : 'provider'
