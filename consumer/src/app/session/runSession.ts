import { setTimeout as delay } from 'node:timers/promises'
import { type Address, bytes, type Hex, type Notice } from '@pontage/shared'
import { type Handlers, type Link, startCommandsAside, withClosers } from '@pontage/shared/node'
import type { Left } from '../../core/limits.js'
import type { TopUpRule } from '../../core/refill.js'
import { begin, type Effect, type EndReason, type Session } from '../../core/session.js'
import type { Journal } from '../../io/home/journal.js'
import type { Meter } from '../../io/kernel/meter.js'
import { keepRefilled } from '../channel/refill.js'
import type { Context } from '../context.js'
import type { RelayWishes } from '../hub/relayed.js'
import { createPayer, type Payer } from './pay.js'
import { attach, type PaymentEndpoint } from './paymentSocket.js'
import { type RaiseTerms, raiseGuarantee } from './raiseGuarantee.js'
import { createSessionLoop, type SessionLoop } from './sessionLoop.js'
import { type PaymentSocket, stayAttached } from './stayAttached.js'
import { recordUsage } from './usage.js'
import { watchDelivery } from './watchDelivery.js'
import { compare, keepCounting, type LimitsOfAll, tellCount, watchHealth } from './watchSession.js'

/** What is told of a session while it runs. `low`: what is guaranteed is nearly used up, and no more can be had now. */
export interface SessionReport {
  readonly kind:
    | 'progress'
    | 'suspended'
    | 'resumed'
    | 'reconnecting'
    | 'reconnected'
    | 'raised'
    | 'low'
    | 'topped-up'
    | 'not-topped-up'
  readonly session: Session
  readonly bytesPerSecond: number
  /** From a promise's leaving to its confirmation, the latest. */
  readonly latencyMs: number | undefined
  /** Why no more can be had, where it is `low`. */
  readonly message?: string
}

/** What counts a session: this machine's kernel, or what the provider says where there is nothing here to count. */
export interface SessionMeter extends Pick<Meter, 'read' | 'raise' | 'halt'> {
  /** Takes the provider's count; left out where that is no more than something to compare with. */
  hear?(theirs: Notice<'usage' | 'ended'>): void
  /** Where the provider is asked from now on. */
  use?(link: Link): void
}

export interface SessionOptions {
  readonly context: Context
  readonly journal: Journal
  readonly meter: SessionMeter
  readonly terms: Parameters<typeof begin>[0]
  /** What everything of this home may still use and spend by now: what runs beside this session uses it up, too. */
  readonly leftForAll: () => Left
  readonly party: { readonly channelId: Hex; readonly provider: Address }
  /** What the journal counts it as: no other session's. */
  readonly countedAs: string
  readonly endpoint: PaymentEndpoint
  /** What a larger guarantee is asked for by. */
  readonly raise: RaiseTerms
  /** How the channel is refilled by itself; undefined where the user adds to it alone. */
  readonly topUp: (RelayWishes & { readonly rule: TopUpRule }) | undefined
  /** What is wrong with the tunnel, if something is; asked every few seconds. */
  readonly health: () => Promise<string | undefined>
  /** Whether anything can be reached through the tunnel; asked when nothing comes back. */
  readonly delivers: () => Promise<boolean | undefined>
  /** Told, again and again, that more is lost on the way than the session lives through. */
  readonly lossy: () => void
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
export function runSession(options: SessionOptions): Promise<Session> {
  const { context, journal, meter, terms, party, endpoint, patienceMs, stop } = options
  const { clock } = context
  return withClosers(async (closers) => {
    let socket: PaymentSocket | undefined
    const link = () => socket?.link
    const loop = createSessionLoop(begin(terms, clock.elapsedMs()), (effect) =>
      performing(effect, { options, loop, payer, link, tell }),
    )
    const { tell, measured } = reporting(options, loop)
    const payer = createPayer(context, journal, party, (amount, tookMs) => {
      measured(tookMs)
      loop.post({ type: 'accepted', amount })
    })
    const handlers = handlersFor(options, loop, payer, tell)

    // The first time only the preferred address counts: it shows that the tunnel carries something.
    const [preferred] = endpoint.urls
    const preferredAlone = { ...endpoint, urls: [preferred] } as const
    const first = await attach(context, preferredAlone, {
      handlers,
      patienceMs: attachPatienceMs,
      signal: stop,
    })
    options.attached()
    // What is looked at in mid-session holds up neither payments nor packets.
    startCommandsAside()
    socket = stayAttached(context, endpoint, loop, {
      ...{ first, handlers, patienceMs },
      use: (current) => {
        payer.use(current)
        meter.use?.(current)
      },
      moved: tell,
    })
    closers.opened('payment socket', socket)
    const gone = new AbortController()
    closers.add('health', () => gone.abort())
    const ticking = setInterval(() => {
      if (loop.isOpen) tell('progress')
      loop.unattended(writeUsage(options, loop))
    }, reportEveryMs)
    closers.add('reports', () => clearInterval(ticking))
    const onStop = () => loop.post({ type: 'stop', reason: 'user' })
    stop.addEventListener('abort', onStop, { once: true })
    closers.add('stop', () => stop.removeEventListener('abort', onStop))
    if (stop.aborted) onStop()
    loop.unattended(keepCounting(clock, meter, loop, limitsOfAll(options, loop)))
    loop.unattended(watchHealth(options.health, loop, gone.signal))
    loop.unattended(watchDelivery(clock, meter, loop, options.delivers, gone.signal))
    if (options.topUp) loop.unattended(refill(options, options.topUp, loop, tell, gone.signal))
    try {
      await loop.over
      await writeUsage(options, loop)
      return loop.session
    } catch (error) {
      // Else the provider would keep the place, and refuse the next session, until it misses us.
      await link()?.request('end', { session: endpoint.session }, farewellMs)
      throw error
    }
  })
}

interface Performers {
  readonly options: SessionOptions
  readonly loop: SessionLoop
  readonly payer: Payer
  readonly link: () => Link | undefined
  readonly tell: Tell
}
type Tell = (kind: SessionReport['kind'], message?: string) => void

async function performing(
  effect: Exclude<Effect, { type: 'finish' }>,
  performers: Performers,
): Promise<void> {
  const { options, loop, payer } = performers
  const { clock } = options.context
  switch (effect.type) {
    case 'promise':
      return payer.pay(effect.amount)
    case 'raise':
      return loop.unattended(raise(performers))
    case 'lossy':
      return options.lossy()
    case 'halt': {
      await options.meter.halt()
      const count = await options.meter.read()
      // It waits for its turn, and this effect is not to.
      const last = { type: 'halted', count, atMs: clock.elapsedMs() } as const
      return loop.unattended(tellCount(loop, limitsOfAll(options, loop), last))
    }
    case 'end':
      return loop.unattended(settle(performers).then(() => loop.post({ type: 'settled' })))
  }
}

/** Asks for a larger guarantee, lets the kernel pass as much as that pays for, and tells what came of it. */
async function raise({ options, loop, link, tell }: Performers): Promise<void> {
  const { context, journal, meter } = options
  const raised = await raiseGuarantee(context, journal, link(), loop.session, options.raise)
  if ('because' in raised) {
    loop.post({ type: 'notRaised', atMs: context.clock.elapsedMs() }, () => tell('low', raised.because))
    return
  }
  if (raised.limit !== undefined) await meter.raise(raised.limit)
  loop.post({ type: 'raised', ...raised }, () => tell('raised'))
}

/** Adds to the channel while the session runs; whatever comes of it, the session goes on. */
const refill = (
  { context, journal, raise: { channel } }: SessionOptions,
  topUp: NonNullable<SessionOptions['topUp']>,
  loop: SessionLoop,
  tell: Tell,
  gone: AbortSignal,
): Promise<void> =>
  keepRefilled(
    context,
    journal,
    channel,
    topUp,
    { report: tell, added: () => loop.post({ type: 'toppedUp', atMs: context.clock.elapsedMs() }) },
    gone,
  )

/** Asks for the end once the last promise is confirmed, or cannot be. */
async function settle({ options, loop, link }: Performers): Promise<void> {
  const { context, endpoint } = options
  const giveUpAt = context.clock.elapsedMs() + settlePatienceMs
  const isHopeless = () => {
    const { accepted, promised, reason } = loop.session
    return accepted >= promised || reason === 'lost' || reason === 'slow'
  }
  while (link() && !isHopeless() && context.clock.elapsedMs() < giveUpAt) await delay(10)
  if (loop.session.reason === 'lost') return link()?.terminate()
  const account = await link()?.request('end', { session: endpoint.session }, settlePatienceMs)
  if (account && !account.ok) context.log.debug('end refused', { code: account.refusal.code })
  link()?.close()
}

/** What the provider says on the payment socket. */
function handlersFor(options: SessionOptions, loop: SessionLoop, payer: Payer, tell: Tell): Handlers {
  const { clock } = options.context
  const { meter, endpoint } = options
  const limits = limitsOfAll(options, loop)
  const isOurs = (notice: { session: string }) => notice.session === endpoint.session
  return {
    frame: (frame) => payer.receive(frame),
    notices: {
      usage: (usage) => {
        if (!isOurs(usage)) return
        meter.hear?.(usage)
        loop.unattended(compare(clock, meter, loop, limits, usage))
      },
      suspended: (notice) => {
        if (isOurs(notice)) loop.post({ type: 'suspended', atMs: clock.elapsedMs() }, () => tell('suspended'))
      },
      resumed: (notice) => {
        if (isOurs(notice)) loop.post({ type: 'resumed', atMs: clock.elapsedMs() }, () => tell('resumed'))
      },
      ended: (notice) => {
        if (!isOurs(notice)) return
        meter.hear?.(notice)
        loop.post({ type: 'stop', reason: reasonOf(notice), message: notice.message })
      },
    },
  }
}

/** What is told: the session as it stands, its speed since the last progress, and the newest latency. */
function reporting({ context: { clock }, report }: SessionOptions, loop: SessionLoop) {
  let latencyMs: number | undefined
  let bytesPerSecond = 0
  let before = { bytes: 0n, atMs: clock.elapsedMs() }
  const tell: Tell = (kind, message) => {
    const { session } = loop
    if (kind === 'progress') {
      const now = { bytes: session.downBytes + session.upBytes, atMs: clock.elapsedMs() }
      bytesPerSecond = (Number(now.bytes - before.bytes) * 1_000) / Math.max(1, now.atMs - before.atMs)
      before = now
    }
    report({ kind, session, bytesPerSecond, latencyMs, ...(message === undefined ? {} : { message }) })
  }
  const measured = (tookMs: number | undefined) => {
    latencyMs = tookMs ?? latencyMs
  }
  return { tell, measured }
}

/** Into the journal, for limits that count over days. */
const writeUsage = ({ context, journal, countedAs }: SessionOptions, { session }: SessionLoop) =>
  recordUsage(context, journal, countedAs, bytes(session.downBytes + session.upBytes))

const limitsOfAll = (options: SessionOptions, loop: SessionLoop): LimitsOfAll => ({
  left: options.leftForAll,
  write: () => writeUsage(options, loop),
})

/** What a provider's word for the end means to us. */
const reasonOf = (notice: Notice<'ended'>): EndReason =>
  notice.code === 'payment-overdue' ? 'payment' : notice.code === 'counts-differ' ? 'counts' : 'provider'
