import { type Ledger, openPostgresLedger, openSqliteLedger, startHub } from '@pontage/hub'
import { systemClock, unixSeconds, wei } from '@pontage/shared'
import { type Chain, connectChain, createLog, createTypedData } from '@pontage/shared/node'
import { type Crowd, channelAt, channelsOf, consumerOf, hubIdentity, providerAt } from './crowd.js'

// The hub of a benchmark, in a process of its own: its ledger is filled through the port, then it serves.

/** What this process is told, once. */
export interface HubOrder {
  readonly engine: 'sqlite' | 'postgres'
  /** Path or URL of a ledger. */
  readonly where: string
  /** Whether another process has filled it; else it is empty. */
  readonly isFilled?: boolean
  readonly rpc: string
  readonly deploymentFile: string
  readonly crowd: Crowd
}

const balance = wei(10n ** 18n)
const chunk = 2_000
const looks = 50
const guaranteeSeconds = 3_600

process.once('message', (order: HubOrder) => void serve(order))
process.once('disconnect', () => process.exit())

async function serve({ engine, where, rpc, deploymentFile, crowd, isFilled }: HubOrder): Promise<void> {
  const chain = await connectChain({ rpc, deploymentFile, confirmations: 0 })
  const ledger = engine === 'sqlite' ? await openSqliteLedger(where) : await openPostgresLedger(where)
  if (!isFilled) await fill(ledger, chain, crowd)
  const limits = {
    maxConnections: 20_000,
    maxConnectionsPerAddress: 20_000,
    requestsPerSecond: 1_000_000,
    requestsPerSecondPerAddress: 1_000_000,
    maxUnderWay: 10_000,
    helloMs: 120_000,
  }
  const hub = await startHub({
    ...{ chain, identity: hubIdentity(), ledger, host: '127.0.0.1', port: 0, limits },
    settings: {
      relayFee: wei(0n),
      guaranteeSeconds,
      drawAbove: wei(10n ** 30n),
      relaysPerDay: 0,
      relaysPerDayInAll: 0,
      gasWarnBelow: 0n,
      drainSeconds: 0,
      publicMetrics: false,
      pollMs: 1_000,
    },
    log: createLog('bench-hub', 'error'),
  })
  process.on('message', (asked: 'cpu' | 'looks' | 'memory' | 'stop') => {
    if (asked === 'stop') void hub.close().then(() => process.exit())
    else if (asked === 'looks') void timeLooks(ledger).then((microseconds) => process.send?.(microseconds))
    else if (asked === 'memory') process.send?.(Math.round(process.memoryUsage().rss / 1e6))
    // Both threads' work and the system's for it, in microseconds.
    else process.send?.(process.cpuUsage().user + process.cpuUsage().system)
  })
  process.send?.(hub.port)
}

/** Microseconds that it takes to see what is to be drawn, and what the metrics show: done at every block. */
async function timeLooks(ledger: Ledger): Promise<number> {
  const look = () => Promise.all([ledger.pressing(400), ledger.tally(), ledger.openClosings()])
  await look()
  const began = performance.now()
  for (let n = 0; n < looks; n++) await look()
  return ((performance.now() - began) / looks) * 1_000
}

async function fill(ledger: Ledger, chain: Chain, crowd: Crowd): Promise<void> {
  const hub = hubIdentity()
  const typedData = createTypedData(chain.deployment)
  await ledger.bind(hub.address, chain.deployment)
  const head = await chain.head()
  const [standing, block] = await Promise.all([
    chain.channels.hubOf(hub.address),
    chain.rpc.getBlock(head.number),
  ])
  const cursor = { number: head.number, hash: block?.hash ?? '', at: head.at }
  const pool = { balance: wei(standing.pool), pendingWithdrawal: wei(0n), feeBps: Number(standing.feeBps) }
  const all = Array.from({ length: crowd.providers * crowd.channelsEach }, (_, channel) => ({
    channelId: channelAt(channel),
    consumer: consumerOf(channel).address,
    nonce: channel,
    status: 'open' as const,
    balance,
    exitAt: 0,
  }))
  for (let first = 0; first < all.length; first += chunk)
    await ledger.applyChain({
      ...{ cursor, hub: pool, tabs: [], accounts: [] },
      channels: all.slice(first, first + chunk),
    })
  if (crowd.isNew) return
  const expiresAt = unixSeconds(Math.max(head.at, systemClock.now()) + guaranteeSeconds)
  const granting: Promise<unknown>[] = []
  for (let index = 0; index < crowd.providers; index++) {
    const provider = providerAt(index).address
    for (const channel of channelsOf(crowd, index)) {
      const guarantee = { channelId: channelAt(channel), provider, ceiling: balance, expiresAt }
      const order = {
        ...{ channelId: guarantee.channelId, provider, cause: guarantee.channelId },
        decide: () => ({ ok: true as const }),
        sign: () => typedData.signed('Guarantee', guarantee, hub.privateKey),
      }
      granting.push(ledger.grant(order))
      if (granting.length === chunk) await Promise.all(granting.splice(0))
    }
  }
  await Promise.all(granting)
}
