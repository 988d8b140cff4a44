import { createServer } from 'node:http'
import { coinDecimals, formatTokens } from '@pontage/shared'
import { type GasWatch, UserError } from '@pontage/shared/node'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { charged } from '../../core/session.js'
import type { Firewall } from '../../io/kernel/firewall.js'
import type { Components } from '../components.js'
import type { LiveSession } from '../metering/liveSession.js'

/** What an owner's monitoring reads: how much and how often, never who or where to. */
export interface Metrics {
  /** A session is over: its figures are kept in the totals. */
  ended(live: LiveSession, reason: string): void
  /** A round over all sessions took this long. */
  round(ms: number): void
  /** Serves the page to this machine only. @throws UserError when the port is taken. */
  listen(port: number, sources: MetricSources): Promise<{ close(): Promise<void> }>
}

export interface MetricSources {
  readonly components: Components
  readonly sessions: () => readonly LiveSession[]
  readonly firewall: Pick<Firewall, 'limits'>
  readonly gas: GasWatch
}

/** Milliseconds that sums over the store are good for. */
const sumsLastMs = 10_000

const gauges = {
  sessions: 'Running sessions',
  suspended_sessions: 'Sessions suspended because payment is missing',
  unpaid_bytes: 'Bytes forwarded in running sessions and not yet paid',
  gas_coins: 'Balance that transactions are paid from, in the chain’s coin',
  limit_bits_per_second: 'Speed limit for all sessions together, 0 for none',
  session_limit_bits_per_second: 'Speed limit for each session, 0 for none',
  promised_tokens: 'Sum of the latest promises of all channels, in tokens',
  cleared_tokens: 'What of them the hubs have cleared, in tokens',
  undrawn_tokens: 'What of them is not yet drawn on chain, in tokens',
  started_timestamp_seconds: 'When this program started serving',
} as const

export function createMetrics(clock: Components['clock']): Metrics {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const { traffic, promises, endings, rounds, shown } = metersIn(register)
  shown.started_timestamp_seconds.set(clock.now())
  const over = { down: 0n, up: 0n, promises: 0 }
  let summedAtMs: number | undefined

  function collect({ components, sessions, firewall, gas }: MetricSources): void {
    const live = sessions().map(({ session }) => session)
    const sum = (of: (session: LiveSession['session']) => bigint) =>
      live.reduce((total, session) => total + of(session), 0n)
    traffic.reset()
    traffic.inc({ direction: 'down' }, Number(over.down + sum(({ reading }) => reading.downBytes)))
    traffic.inc({ direction: 'up' }, Number(over.up + sum(({ reading }) => reading.upBytes)))
    promises.reset()
    promises.inc(over.promises + live.reduce((total, session) => total + session.promises, 0))
    shown.sessions.set(live.length)
    shown.suspended_sessions.set(live.filter(({ phase }) => phase === 'suspended').length)
    shown.unpaid_bytes.set(live.reduce((total, session) => total + unpaidBytes(session), 0))
    shown.limit_bits_per_second.set(Number(firewall.limits().total ?? 0n))
    shown.session_limit_bits_per_second.set(Number(firewall.limits().session ?? 0n))
    const coins = gas.balance()
    if (coins !== undefined) shown.gas_coins.set(inUnits(coins, coinDecimals))
    const now = clock.elapsedMs()
    if (summedAtMs !== undefined && now - summedAtMs < sumsLastMs) return
    summedAtMs = now
    showSums(shown, components)
  }

  return {
    ended({ session }, reason) {
      over.down += session.reading.downBytes
      over.up += session.reading.upBytes
      over.promises += session.promises
      endings.inc({ reason })
    },
    round: (ms) => rounds.observe(ms / 1_000),
    listen: (port, sources) =>
      servePage(port, register.contentType, () => {
        collect(sources)
        return register.metrics()
      }),
  }
}

function metersIn(register: Registry) {
  const registers = [register]
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `pontage_provider_${name}`, help, labelNames, registers })
  return {
    traffic: counter('traffic_bytes_total', 'Inner bytes of all sessions, without payments', ['direction']),
    promises: counter('promises_total', 'Promises that raised a total'),
    endings: counter('sessions_ended_total', 'Ended sessions, by code', ['reason']),
    rounds: new Histogram({
      name: 'pontage_provider_round_duration_seconds',
      help: 'Time to read the kernel, advance all sessions and write the differences',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1],
      registers,
    }),
    shown: Object.fromEntries(
      Object.entries(gauges).map(([name, help]) => [
        name,
        new Gauge({ name: `pontage_provider_${name}`, help, registers }),
      ]),
    ) as Shown,
  }
}

type Shown = Record<keyof typeof gauges, Gauge>

function unpaidBytes(session: LiveSession['session']): number {
  const { promised, base, price } = session
  const used = Number(charged(session))
  const covered =
    price.perMegabyte === 0n ? used : (Number(promised - base) / Number(price.perMegabyte)) * 1e6
  return Math.max(0, used - covered)
}

/** What the store holds of all channels. */
function showSums(shown: Shown, { promises, chain }: Components): void {
  const held = promises
    .hubs()
    .flatMap((hub) => promises.channelsOf(hub))
    .flatMap(({ promise }) => (promise ? [promise] : []))
  const tokens = (of: (promise: (typeof held)[number]) => bigint) =>
    inUnits(
      held.reduce((total, promise) => total + of(promise), 0n),
      chain.tokenDecimals,
    )
  shown.promised_tokens.set(tokens(({ amount }) => amount))
  shown.cleared_tokens.set(tokens(({ cleared }) => cleared))
  shown.undrawn_tokens.set(tokens(({ amount, drawn }) => (amount > drawn ? amount - drawn : 0n)))
}

async function servePage(
  port: number,
  contentType: string,
  page: () => Promise<string>,
): Promise<{ close(): Promise<void> }> {
  const http = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end('The only page here is /metrics.\n')
      return
    }
    void page().then((text) => {
      response.writeHead(200, { 'content-type': contentType }).end(text)
    })
  })
  await new Promise<void>((resolve, reject) => {
    http.once('error', (cause) =>
      reject(
        new UserError(
          `The metrics cannot be served on 127.0.0.1:${port}: ${cause.message}. Choose another --metrics-port.`,
          { cause },
        ),
      ),
    )
    http.listen(port, '127.0.0.1', resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

/** Metrics are floats: exact to about 15 digits, which is enough to watch and never used to decide. */
const inUnits = (amount: bigint, decimals: number): number => Number(formatTokens(amount, decimals))
