import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, openSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** How a program ended: with an exit code, or by a signal; with neither where it could not start. */
export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Nothing that is waited for is a matter of time; a busy machine takes it. */
export const patientMs = 90_000

export interface WaitOptions {
  /** Default {@link patientMs}. */
  readonly timeoutMs?: number
}

/** A running program whose output is kept, line by line, and written to files beside it. */
export class Program {
  readonly ended: Promise<ProgramEnd>
  private readonly printed = { stdout: [] as string[], stderr: [] as string[] }
  private readonly watchers = new Set<() => void>()
  private end: ProgramEnd | undefined
  private startFailure: Error | undefined

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    logBase: string,
    private readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void,
  ) {
    const drained = [this.keep('stdout', `${logBase}.out`), this.keep('stderr', `${logBase}.err`)]
    const ended = new Promise<ProgramEnd>((resolve) => {
      child.on('error', (cause) => {
        // A signal that could not be sent is reported in the same way, and ends nothing.
        if (child.pid !== undefined) return
        this.startFailure = cause
        resolve({ code: null, signal: null })
      })
      child.on('exit', (code, signal) => resolve({ code, signal }))
    })
    this.ended = ended.then(async (end) => {
      // Its last words count, but not those of a process that it left behind with its output open.
      await Promise.race([Promise.all(drained), new Promise((resolve) => setTimeout(resolve, 500))])
      this.end = end
      this.wake()
      return end
    })
  }

  /** Starts a program. `logBase` is the path, without ending, of the two files that take its output. */
  static start(
    name: string,
    command: readonly string[],
    options: {
      readonly logBase: string
      readonly env: NodeJS.ProcessEnv
      readonly cwd: string
      readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
    },
  ): Program {
    const [file = '', ...args] = command
    const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] })
    return new Program(name, child, options.logBase, options.onLine)
  }

  /** Lines so far. */
  lines(stream: 'stdout' | 'stderr' = 'stdout'): readonly string[] {
    return this.printed[stream]
  }

  /** Both streams, standard error last, for a message. */
  output(): string {
    return [...this.printed.stdout, ...this.printed.stderr].join('\n')
  }

  /**
   * The first line, printed already or still to come, in which `pattern` is found, as its match.
   * @throws Error when the program ends first or the time is up, with what it printed last.
   */
  async line(pattern: RegExp, { timeoutMs = patientMs }: WaitOptions = {}): Promise<RegExpExecArray> {
    const found = () => {
      for (const line of [...this.printed.stdout, ...this.printed.stderr]) {
        const match = pattern.exec(line)
        if (match !== null) return match
      }
      return undefined
    }
    return this.until(found, `a line like ${pattern}`, timeoutMs)
  }

  /** Waits until what it printed so far makes `condition` true. @throws Error as `line`. */
  async when(condition: () => boolean, what: string, timeoutMs = patientMs): Promise<void> {
    await this.until(() => condition() || undefined, what, timeoutMs)
  }

  /** Waits for the end and demands exit code 0. @throws Error with what it printed last. */
  async succeeded({ timeoutMs = patientMs }: WaitOptions = {}): Promise<string> {
    const end = await this.until(() => this.end, 'its end', timeoutMs)
    if (end.code !== 0)
      throw new Error(`${this.name} ended with ${end.code ?? end.signal}:\n${this.lastWords()}`)
    return this.printed.stdout.join('\n')
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Whether it has ended otherwise than with exit code 0. */
  get failed(): boolean {
    return !this.running && this.child.exitCode !== 0
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Asks it to end, and after `graceMs` makes it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 10_000): Promise<ProgramEnd> {
    this.signal(signal)
    const force = setTimeout(() => this.signal('SIGKILL'), graceMs)
    try {
      return await this.ended
    } finally {
      clearTimeout(force)
    }
  }

  private async until<T>(look: () => T | undefined, what: string, timeoutMs: number): Promise<T> {
    const giveUpAt = Date.now() + timeoutMs
    for (;;) {
      if (this.startFailure !== undefined)
        throw new Error(`${this.name} could not start: ${this.startFailure.message}`, {
          cause: this.startFailure,
        })
      const found = look()
      if (found !== undefined) return found
      if (this.end !== undefined)
        throw new Error(
          `${this.name} ended (${this.end.code ?? this.end.signal}) before ${what}:\n${this.lastWords()}`,
        )
      const left = giveUpAt - Date.now()
      if (left <= 0)
        throw new Error(`${this.name} did not show ${what} within ${timeoutMs} ms:\n${this.lastWords()}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left)
        const watchers = this.watchers
        function done() {
          clearTimeout(timer)
          watchers.delete(done)
          resolve()
        }
        watchers.add(done)
      })
    }
  }

  private async keep(stream: 'stdout' | 'stderr', path: string): Promise<void> {
    const source = this.child[stream]
    if (source === null) return
    // Opened at once: later the folder may be gone.
    const file = createWriteStream(path, { fd: openSync(path, 'a') })
    const lines = createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })
    lines.on('line', (line) => {
      this.printed[stream].push(line)
      file.write(`${line}\n`)
      this.onLine?.(line, stream)
      this.wake()
    })
    await once(lines, 'close')
    file.end()
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher()
  }

  private lastWords(): string {
    return this.output().split('\n').slice(-25).join('\n')
  }
}
