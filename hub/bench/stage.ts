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

/** A hub on a filled ledger and its providers, each in a process of its own. */
export interface Stage {
  measure(load: Load): Promise<Measured>
  /** Guarantees a second, while every provider asks for one on each of its channels. */
  begin(): Promise<number>
  /** Microseconds for what a hub looks at with every block. */
  looks(): Promise<number>
  close(): Promise<void>
}

/** Fills the ledger, starts the hub, connects every provider. */
export async function openStage(
  ledger: Pick<HubOrder, 'engine' | 'where'>,
  chain: Pick<HubOrder, 'rpc' | 'deploymentFile'>,
  crowd: Crowd,
): Promise<Stage> {
  const hub = start('./hubProcess.js')
  const port = (await ask(hub, { ...ledger, ...chain, crowd } satisfies HubOrder)) as number
  const driver = start('./driverProcess.js')
  await ask(driver, { port, ...chain, crowd } satisfies DriverOrder)
  return {
    async measure(load) {
      await ask(driver, { sign: load })
      const before = (await ask(hub, 'cpu')) as number
      const result = (await ask(driver, { go: load })) as LoadResult
      const cpu = ((await ask(hub, 'cpu')) as number) - before
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
    looks: async () => (await ask(hub, 'looks')) as number,
    async close() {
      if (driver.connected) driver.disconnect()
      await gone(driver)
      if (hub.connected) hub.send('stop')
      await gone(hub)
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
