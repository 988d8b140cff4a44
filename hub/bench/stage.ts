import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Crowd } from './crowd.js'
import type { DriverOrder, Load, LoadResult } from './driverProcess.js'
import type { HubOrder } from './hubProcess.js'

/** What one load came to, and what it cost the hub. */
export interface Measured extends LoadResult {
  readonly clearedPerSecond: number
  /** Processor time of the whole hub for one channel cleared. */
  readonly cpuMicroseconds: number
}

/** A hub on a filled ledger, in one process or several, and its providers in one of their own. */
export interface Stage {
  measure(load: Load): Promise<Measured>
  /** Guarantees a second, while every provider asks for one on each of its channels. */
  begin(): Promise<number>
  /** Dials and clears anew until it succeeds. */
  again(): Promise<void>
  /** Microseconds for what a hub looks at with every block. */
  looks(): Promise<number>
  /** Of the hub's first process, in megabytes. */
  memory(): Promise<number>
  close(): Promise<void>
}

/** Fills the ledger, starts the hub in this many processes, connects every provider: to one after the other in turn. */
export async function openStage(
  ledger: Pick<HubOrder, 'engine' | 'where'>,
  chain: Pick<HubOrder, 'rpc' | 'deploymentFile'>,
  crowd: Crowd,
  processes = 1,
): Promise<Stage> {
  const hubs: ChildProcess[] = []
  const ports: number[] = []
  for (let index = 0; index < processes; index++) {
    const hub = start('./hubProcess.js')
    hubs.push(hub)
    const order: HubOrder = { ...ledger, ...chain, crowd, isFilled: index > 0 }
    ports.push((await ask(hub, order)) as number)
  }
  const driver = start('./driverProcess.js')
  await ask(driver, { ports, ...chain, crowd } satisfies DriverOrder)
  const cpuOfAll = async () => {
    const each = await Promise.all(hubs.map(async (hub) => (await ask(hub, 'cpu')) as number))
    return each.reduce((sum, cpu) => sum + cpu, 0)
  }
  const first = hubs[0] ?? driver
  return {
    async measure(load) {
      await ask(driver, { sign: load })
      const before = await cpuOfAll()
      const result = (await ask(driver, { go: load })) as LoadResult
      const cpu = (await cpuOfAll()) - before
      return {
        ...result,
        clearedPerSecond: Math.round(result.cleared / result.seconds),
        cpuMicroseconds: cpu / result.cleared,
      }
    },
    async begin() {
      const { guaranteed, seconds } = (await ask(driver, 'begin')) as { guaranteed: number; seconds: number }
      return Math.round(guaranteed / seconds)
    },
    async again() {
      const failed = hubs.map(async (hub) => {
        await gone(hub)
        throw new Error('The hub ended; its reason stands above.')
      })
      for (const each of failed) each.catch(() => undefined) // At the end of all it is to end.
      await Promise.race([ask(driver, 'again'), ...failed])
    },
    looks: async () => (await ask(first, 'looks')) as number,
    memory: async () => (await ask(first, 'memory')) as number,
    async close() {
      if (driver.connected) driver.disconnect()
      await gone(driver)
      for (const hub of hubs) if (hub.connected) hub.send('stop')
      await Promise.all(hubs.map(gone))
    },
  }
}

const start = (file: string): ChildProcess =>
  // A profile of the hub or the driver: BENCH_NODE_OPTIONS=--cpu-prof npm run bench -w hub
  fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [],
  })

/** Sends and waits for the one answer. @throws Error when the process ends instead */
function ask(child: ChildProcess, message: object | string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) =>
      reject(new Error(`A process of the benchmark ended with ${code}; its reason stands above.`))
    child.once('exit', ended)
    child.once('message', (answer) => {
      child.off('exit', ended)
      resolve(answer)
    })
    child.send(message)
  })
}

const gone = (child: ChildProcess): Promise<unknown> =>
  child.exitCode === null && child.signalCode === null
    ? new Promise((resolve) => child.once('exit', resolve))
    : Promise.resolve()
