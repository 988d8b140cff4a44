import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@pontage/hub/postgres.fixture'
import { startTestChain, tokens } from '@pontage/hub/world.fixture'
import type { Hex } from '@pontage/shared'
import { createSender, encodeClear, GivenHandles } from '@pontage/shared/node'
import { apartMs, startCluster } from './cluster.js'
import { type Crowd, channelAt, consumerOf, consumers, hubIdentity, providerAt } from './crowd.js'
import type { HubOrder } from './hubProcess.js'
import { type Measured, openStage, type Stage } from './stage.js'
import { measureYardsticks } from './yardsticks.js'

// npm run bench -w hub [-- PART… --json]: channels cleared end to end: over the websocket, durable, hub promise out.

type Engine = HubOrder['engine']

/** What can be measured by itself, in this order; each gives some of the figures. */
const parts = {
  wire: async () => wire(),
  signatures: async () => signatures(),
  sqlite: () => engine('sqlite'),
  postgres: () => engine('postgres'),
  guarantees: async () => {
    await registerCrowd()
    const guaranteesPerSecond: Record<string, number> = {}
    for (const name of ['sqlite', 'postgres'] as const) {
      const perSecond = await onStage(name, newcomers, (stage) => stage.begin())
      say(`${`${name}, sessions begun`.padEnd(44)}${String(perSecond).padStart(7)}/s`)
      guaranteesPerSecond[name] = perSecond
    }
    return { guaranteesPerSecond }
  },
  processes: async () => ({ threeProcessesRatio: await severalProcesses(3) }),
  cluster: async () => ({ cluster: await twoServers() }),
  growth: async () => {
    const microsecondsPerClear: Record<string, number> = {}
    const microsecondsPerLook: Record<string, number> = {}
    const memoryMegabytes: Record<string, number> = {}
    for (const channels of [100, 1_000, 10_000, 100_000]) {
      const grown = await growth(channels)
      microsecondsPerClear[channels] = grown.perClear
      microsecondsPerLook[channels] = grown.perLook
      memoryMegabytes[channels] = grown.memory
    }
    return { microsecondsPerClear, microsecondsPerLook, memoryMegabytes }
  },
  connections: async () => {
    const connections: Record<string, number> = {}
    for (const count of [100, 1_000, 10_000]) connections[count] = await crowded(count)
    return { connections }
  },
}

/** What is begun: ten thousand sessions of a hundred providers. */
const newcomers: Crowd = { providers: 100, channelsEach: 100, isNew: true }

const json = process.argv.includes('--json')
const words = process.argv.slice(2).filter((word) => word !== '--json')
const unknown = words.filter((word) => !Object.hasOwn(parts, word))
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}. These are: ${Object.keys(parts).join(' ')}\n`)
  process.exit(2)
}
const say = (...lines: readonly string[]) => {
  if (!json) process.stdout.write(`${lines.join('\n')}\n`)
}

const folder = await mkdtemp(join(tmpdir(), 'pontage-bench-'))
const world = await startTestChain()
const postgres = await startPostgres()
const chain = { rpc: world.rpcUrl, deploymentFile: world.deploymentFile }
let ledgers = 0

try {
  await fillPool()
  const report = {}
  for (const [name, measure] of Object.entries(parts))
    if (words.length === 0 || words.includes(name)) Object.assign(report, await measure())
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
} finally {
  await postgres.stop()
  await world.close()
  await rm(folder, { recursive: true })
}

/** The hub's pool, large enough for everything that is promised here. */
async function fillPool(): Promise<void> {
  const hub = hubIdentity()
  await world.fund(hub.address, { tokens: '1000', coin: '1' })
  const sender = createSender(world.chain, hub)
  const { token, channels } = world.chain
  await sender.send(token.approve.populateTransaction(world.deployment.channels, tokens('1000')))
  await sender.send(channels.fund.populateTransaction(hub.address, tokens('1000')))
}

/** Consumers and providers of the sessions that are begun, with the stake of their roles. */
async function registerCrowd(): Promise<void> {
  const both = [
    ...Array.from({ length: consumers }, (_, index) => [consumerOf(index), 'consumer', '1'] as const),
    ...Array.from(
      { length: newcomers.providers },
      (_, index) => [providerAt(index), 'provider', '50'] as const,
    ),
  ]
  for (const [who, role, stake] of both) {
    await world.fund(who.address, { tokens: stake, coin: '1' })
    await world.register(who, role, stake)
  }
}

async function onStage<Result>(
  engine: Engine,
  crowd: Crowd,
  work: (stage: Stage) => Promise<Result>,
  processes = 1,
): Promise<Result> {
  const where = engine === 'sqlite' ? join(folder, `${ledgers++}.sqlite`) : await postgres.database()
  const stage = await openStage({ engine, where }, chain, crowd, processes)
  try {
    return await work(stage)
  } finally {
    await stage.close()
  }
}

/** Bytes that a promise takes in a clear: the first on its channel over a connection, and each later one. */
function wire() {
  const given = new GivenHandles()
  const signature: Hex = `0x${'5d'.repeat(64)}1b`
  const request = { promises: [{ channelId: channelAt(0), amount: tokens('5'), signature }] }
  const empty = encodeClear(1, { promises: [] }, given).length
  const first = encodeClear(1, request, given).length - empty
  given.answered(request, { total: tokens('5'), signature, guarantees: [], refused: [], stamps: [] })
  const later = encodeClear(2, request, given).length - empty
  say(`a promise of 5 tokens in a clear: ${later} bytes, ${first} the first time`)
  return { promiseBytes: { first, later } }
}

function signatures() {
  const { nativeRecoverPerSecond, ethersRecoverPerSecond, ...bare } = measureYardsticks()
  say(
    `signatures, one core: ${nativeRecoverPerSecond}/s as the hub checks them, ${ethersRecoverPerSecond}/s by ethers`,
    `the bare curve:       ${bare.bareRecoverPerSecond}/s recovered, ${bare.bareVerifyPerSecond}/s against a known key`,
  )
  return { nativeRecoverPerSecond, ethersRecoverPerSecond }
}

/** Batches of three sizes, then over 1,000 connections: 10,000 channels a second, and half of what it can do there. */
async function engine(name: Engine) {
  const best = await onStage(name, { providers: 8, channelsEach: 2_000 }, async (stage) => {
    await stage.measure({ batch: 1_000, ahead: 2, clears: 8 }) // Warms up.
    let most = 0
    for (const [batch, ahead, clears] of [
      [10, 16, 1_500],
      [100, 4, 300],
      [1_000, 2, 40],
    ] as const) {
      const measured = await stage.measure({ batch, ahead, clears })
      show(`${name}, batches of ${batch}`, measured)
      most = Math.max(most, measured.clearedPerSecond)
    }
    return most
  })
  const crowd = { providers: 1_000, channelsEach: 10 }
  const { paced, half, perSecond } = await onStage(name, crowd, async (stage) => {
    const load = { batch: 10, ahead: 1, clears: 5_000 }
    await stage.measure({ ...load, clears: 1_000 })
    const steady = await stage.measure({ ...load, perSecond: 1_000 })
    const { clearedPerSecond } = await stage.measure(load)
    const clearsPerSecond = Math.round(clearedPerSecond / load.batch / 2)
    return {
      paced: steady,
      half: await stage.measure({ ...load, perSecond: clearsPerSecond }),
      perSecond: clearsPerSecond * load.batch,
    }
  })
  show(`${name}, 10,000/s over 1,000 connections`, paced)
  show(`${name}, half of what it can do there`, half)
  return {
    [name]: {
      ...{ clearedPerSecond: best, p50Ms: tenths(paced.p50Ms), p99Ms: tenths(paced.p99Ms) },
      halfLoad: { perSecond, p99Ms: tenths(half.p99Ms) },
    },
  }
}

/** What several processes of one identity on one PostgreSQL clear together, as a multiple of one, on this machine's cores. */
async function severalProcesses(count: number): Promise<number> {
  const rates: number[] = []
  for (const processes of [1, count]) {
    const crowd = { providers: 12, channelsEach: 1_000 }
    const measured = await onStage(
      'postgres',
      crowd,
      async (stage) => {
        const load = { batch: 100, ahead: 2, clears: 400 }
        await stage.measure(load)
        return stage.measure(load)
      },
      processes,
    )
    show(`postgres, ${processes} ${processes === 1 ? 'process' : 'processes'}`, measured)
    rates.push(measured.clearedPerSecond)
  }
  const [one = 1, several = 0] = rates
  return Math.round((100 * several) / one) / 100
}

/** What it costs that a second PostgreSQL has what was answered, and how long a hub is away when the first one goes. */
async function twoServers() {
  const crowd = { providers: 8, channelsEach: 2_000 }
  const load = { batch: 100, ahead: 4, clears: 300 }
  const measured = async (stage: Stage) => {
    await stage.measure(load)
    return stage.measure(load)
  }
  const alone = await onStage('postgres', crowd, measured)
  show('postgres, one server', alone)
  const cluster = await startCluster()
  try {
    const stage = await openStage({ engine: 'postgres', where: cluster.url }, chain, crowd)
    try {
      const together = await measured(stage)
      show(`postgres, two servers ${apartMs} ms apart`, together)
      const began = performance.now()
      await cluster.failOver()
      await stage.again()
      const failOverMs = Math.round(performance.now() - began)
      say(`${''.padEnd(44)}${failOverMs} ms from a power cut of the first to a clear on the second`)
      return {
        oneServerPerSecond: alone.clearedPerSecond,
        ...{ twoServersPerSecond: together.clearedPerSecond, failOverMs },
      }
    } finally {
      await stage.close()
    }
  } finally {
    await cluster.stop()
  }
}

/** Microseconds for one channel cleared, of the processor, and for a look at what is to be drawn, with this many in the ledger. */
async function growth(channels: number): Promise<{ perClear: number; perLook: number; memory: number }> {
  const crowd = { providers: 10, channelsEach: channels / 10 }
  const { measured, perLook, memory } = await onStage('sqlite', crowd, async (stage) => {
    // Every channel has moved before, as in a hub that runs.
    await stage.measure({ batch: 10, ahead: 1, clears: Math.max(500, channels / 10) })
    const rounds = []
    for (let round = 0; round < 3; round++)
      rounds.push(await stage.measure({ batch: 10, ahead: 1, clears: 1_500 }))
    // What else runs on the machine only adds.
    const best = rounds.reduce((least, each) => (each.cpuMicroseconds < least.cpuMicroseconds ? each : least))
    return { measured: best, perLook: await stage.looks(), memory: await stage.memory() }
  })
  show(`sqlite, ${channels} channels in the ledger`, measured)
  say(`${''.padEnd(44)}${tenths(perLook / 1_000)} ms to see what is to be drawn, ${memory} MB of memory`)
  return { perClear: tenths(measured.cpuMicroseconds), perLook: Math.round(perLook), memory }
}

/** As fast as it goes, over this many connections at once, ten channels each. */
async function crowded(providers: number): Promise<number> {
  const measured = await onStage('sqlite', { providers, channelsEach: 10 }, async (stage) => {
    await stage.measure({ batch: 10, ahead: 1, clears: Math.min(500, providers) })
    return stage.measure({ batch: 10, ahead: 1, clears: Math.max(2_000, providers) })
  })
  show(`sqlite, ${providers} connections`, measured)
  return measured.clearedPerSecond
}

function show(name: string, { clearedPerSecond, cpuMicroseconds, p50Ms, p99Ms }: Measured): void {
  say(
    `${name.padEnd(44)}${String(clearedPerSecond).padStart(7)}/s, ${tenths(cpuMicroseconds)} µs of processor each, p50 ${tenths(p50Ms)} ms, p99 ${tenths(p99Ms)} ms`,
  )
}

function tenths(value: number): number {
  return Math.round(10 * value) / 10
}
