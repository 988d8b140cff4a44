import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { workerFile } from '@pontage/shared/node'
import type { VictimOrders } from './orders.fixture.js'

/** A hub that can be killed. */
export interface Victim {
  readonly isAimed: boolean
  /** Where it listens; undefined when it died before it did. */
  readonly port: Promise<number | undefined>
  /** Resolves with the signal or the code it ended by. */
  readonly death: Promise<string>
  readonly isDead: boolean
  kill(): void
}

/** Processes that wait to be hubs: loading takes longer than most of them live. */
const warmedAhead = 2

/** Starts hubs from processes that have loaded their code already. */
export class Victims {
  readonly #warmed: ChildProcess[] = []
  readonly #all = new Set<ChildProcess>()

  start(orders: VictimOrders): Victim {
    while (this.#warmed.length < warmedAhead) this.#warmed.push(this.#warm())
    const child = this.#warmed.shift() ?? this.#warm()
    this.#warmed.push(this.#warm())
    const death = new Promise<string>((resolve) =>
      child.once('exit', (code, signal) => resolve(signal ?? `${code}`)),
    )
    const port = new Promise<number | undefined>((resolve, reject) => {
      child.once('message', (said: { port?: number; failure?: string }) =>
        said.failure === undefined
          ? resolve(said.port)
          : reject(new Error(`The hub did not start: ${said.failure}`)),
      )
      void death.then(() => resolve(undefined))
    })
    port.catch(() => undefined)
    child.send(orders)
    return {
      isAimed: orders.death !== undefined,
      port,
      death,
      get isDead() {
        return child.exitCode !== null || child.signalCode !== null
      },
      kill: () => child.kill('SIGKILL'),
    }
  }

  /** Ends every process that was started. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#all].map((child) => {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        return gone
      }),
    )
  }

  #warm(): ChildProcess {
    const child = fork(
      fileURLToPath(new URL(`file://${workerFile(import.meta.url, './victim.fixture.js')}`)),
      {
        execArgv: [],
      },
    )
    this.#all.add(child)
    child.once('exit', () => this.#all.delete(child))
    return child
  }
}
