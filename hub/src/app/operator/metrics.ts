import { coinDecimals, formatTokens, type Verdict } from '@pontage/shared'
import type { DurableSender, GasWatch } from '@pontage/shared/node'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { poolFree } from '../../core/solvency.js'
import type { HttpAnswer } from '../../io/link/httpRoutes.js'
import type { Components } from '../components.js'

/** What an operator's monitoring reads. */
export interface Metrics {
  /** Counts a request by its kind and by what came of it. */
  answered(type: string, verdict: Verdict, seconds: number): void
  /** The same sender, its transactions counted. */
  counting(sender: DurableSender): DurableSender
  /** What was asked of this process since it started. */
  counts(): Promise<Counts>
  /** The page Prometheus reads. */
  page(components: Components, gas: GasWatch): Promise<HttpAnswer>
  close(): void
}

/** Requests that were answered and refused, and how long the answers took in all. */
export interface Counts {
  readonly clears: { readonly answered: number; readonly refused: number; readonly seconds: number }
  readonly relays: { readonly sent: number; readonly refused: number }
}

const gauges = {
  connections: 'Connected identities',
  channels_open: 'Open channels',
  collateral_tokens: 'Balance of all open channels, in tokens',
  promised_tokens: 'Sum of the totals promised to providers, in tokens',
  advance_needed_tokens: 'What the pool would advance if every provider redeemed now, in tokens',
  undrawn_tokens: 'Promises held and not drawn yet, as far as their channels still hold it, in tokens',
  pool_tokens: 'The pool, in tokens',
  pool_spare_tokens:
    'What would be left of the pool if every provider redeemed now, in tokens; negative if it is short',
  pool_withdrawal_tokens: 'What of the pool is being withdrawn, in tokens',
  fee_ratio: 'Share of what is drawn that the hub keeps',
  gas_coins: 'Balance that transactions are paid from, in the chain’s coin',
  chain_unseen_seconds: 'Seconds since the chain was last read',
  followed_block_number: 'Block up to which the ledger has followed the chain',
} as const

export function createMetrics(): Metrics {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  const requests = new Counter({
    name: 'pontage_hub_requests_total',
    help: 'Requests answered, by type and outcome (ok, or the code of the refusal)',
    labelNames: ['type', 'outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'pontage_hub_request_duration_seconds',
    help: 'Time from a request to its answer',
    labelNames: ['type'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 30],
    registers,
  })
  const transactions = new Counter({
    name: 'pontage_hub_transactions_total',
    help: 'Transactions sent, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const gasUsed = new Counter({
    name: 'pontage_hub_gas_used_total',
    help: 'Gas that the hub’s transactions used',
    registers,
  })
  const shown = Object.fromEntries(
    Object.entries(gauges).map(([name, help]) => [
      name,
      new Gauge({ name: `pontage_hub_${name}`, help, registers }),
    ]),
  ) as Record<keyof typeof gauges, Gauge>

  return {
    answered(type, verdict, seconds) {
      requests.inc({ type, outcome: verdict.ok ? 'ok' : verdict.refusal.code })
      durations.observe({ type }, seconds)
    },
    counting: (sender) => ({
      ...sender,
      async send(call, intent) {
        try {
          const sent = await sender.send(call, intent)
          transactions.inc({ outcome: 'ok' })
          gasUsed.inc(sent.gasUsed)
          return sent
        } catch (error) {
          transactions.inc({ outcome: 'failed' })
          throw error
        }
      },
    }),
    async counts() {
      const { values } = await requests.get()
      const count = (isOf: (type: string) => boolean, isOk: boolean) =>
        values
          .filter(({ labels }) => isOf(String(labels.type)) && (labels.outcome === 'ok') === isOk)
          .reduce((sum, { value }) => sum + value, 0)
      const isClear = (type: string) => type === 'clear'
      const isRelay = (type: string) => type.startsWith('relay-')
      const taken = (await durations.get()).values.find(
        ({ metricName, labels }) => metricName?.endsWith('_sum') && labels.type === 'clear',
      )
      return {
        clears: {
          answered: count(isClear, true),
          refused: count(isClear, false),
          seconds: taken?.value ?? 0,
        },
        relays: { sent: count(isRelay, true), refused: count(isRelay, false) },
      }
    },
    async page(components, gas) {
      await sum(components, shown)
      const coins = gas.balance()
      if (coins !== undefined) shown.gas_coins.set(inUnits(coins, coinDecimals))
      shown.connections.set(components.peers.count)
      shown.chain_unseen_seconds.set(components.watch.unseenSeconds())
      shown.followed_block_number.set((await components.ledger.cursor())?.number ?? 0)
      return { status: 200, body: await register.metrics(), contentType: register.contentType }
    },
    close: () => register.clear(),
  }
}

async function sum({ ledger, chain }: Components, shown: Record<keyof typeof gauges, Gauge>): Promise<void> {
  const { channels, collateral, promised, owed, undrawn, pool } = await ledger.tally()
  const tokens = (amount: bigint) => inUnits(amount, chain.tokenDecimals)
  shown.channels_open.set(channels)
  shown.collateral_tokens.set(tokens(collateral))
  shown.promised_tokens.set(tokens(promised))
  shown.advance_needed_tokens.set(tokens(owed))
  shown.undrawn_tokens.set(tokens(undrawn))
  shown.pool_tokens.set(tokens(pool.balance))
  shown.pool_spare_tokens.set(tokens(poolFree(pool)) - tokens(owed))
  shown.pool_withdrawal_tokens.set(tokens(pool.pendingWithdrawal))
  shown.fee_ratio.set(pool.feeBps / 10_000)
}

/** Metrics are floats: exact to about 15 digits, which is enough to watch and never used to decide. */
const inUnits = (amount: bigint, decimals: number): number => Number(formatTokens(amount, decimals))
