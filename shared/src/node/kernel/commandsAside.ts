import { type ChildProcess, spawn } from 'node:child_process'
import { workerFile } from '../program/workerFile.js'
import { type CommandEnd, type CommandOrder, type RunningCommand, startCommand } from './startCommand.js'

let starter: Starter | undefined

/**
 * From now on a small process of its own starts the commands of this one. Starting one copies the tables of all memory, holds
 * up the thread until the copy runs, and makes each page that is written next a fault. For programs that meanwhile carry packets or
 * count what is owed.
 */
export function startCommandsAside(): void {
  starter ??= new Starter()
}

/** Starts a command in that process, if there is one by now. */
export const startCommandSomewhere = (order: CommandOrder): RunningCommand =>
  starter?.isReady ? starter.start(order) : startCommand(order)

/** Keeps this process alive while a command runs, and no longer. */
class Starter {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, (end: CommandEnd) => void>()
  #started = 0
  isReady = false

  constructor() {
    this.#process = spawn(process.execPath, [workerFile(import.meta.url, './commandStarter.js')], {
      // Ctrl-C at our terminal reaches us alone.
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.#process.unref()
    this.#process.channel?.unref()
    this.#process.on('message', (message: 'ready' | { id: number; end: CommandEnd }) => {
      if (message === 'ready') this.isReady = true
      else this.#ended(message.id, message.end)
    })
    this.#process.on('error', (error) => this.#gone(error.message))
    this.#process.once('disconnect', () => this.#gone('the process that starts commands has ended'))
  }

  start(order: CommandOrder): RunningCommand {
    const id = ++this.#started
    const ended = new Promise<CommandEnd>((resolve) => this.#waiting.set(id, resolve))
    this.#process.channel?.ref()
    // That one has its own folder and environment, of when it was started.
    this.#send({
      id,
      order: { ...order, cwd: order.cwd ?? process.cwd(), env: { ...(order.env ?? process.env) } },
    })
    return { ended, stop: () => this.#send({ id }) }
  }

  #send(message: { id: number; order?: CommandOrder }): void {
    if (this.isReady) this.#process.send(message, (error) => error && this.#gone(error.message))
  }

  #ended(id: number, end: CommandEnd): void {
    this.#waiting.get(id)?.(end)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#process.channel?.unref()
  }

  /** What became of what it ran is unknown; what comes next is started as if there had been none. */
  #gone(message: string): void {
    this.isReady = false
    const notStarted = { code: undefined, message }
    for (const id of [...this.#waiting.keys()])
      this.#ended(id, { stdout: '', stderr: '', code: null, signal: null, isTooMuch: false, notStarted })
  }
}
