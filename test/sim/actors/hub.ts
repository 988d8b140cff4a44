import { type HubSettings, openSqliteLedger, type RunningHub, startHub } from '@pontage/hub'
import { encodeMessage, type Wei } from '@pontage/shared'
import { connectChain, type Identity, type Log } from '@pontage/shared/node'
import { deployment } from '../chain/deployment.js'
import { diskOf } from '../stage/disk.js'
import { kill, Process, timeline } from '../stage/timeline.js'
import { tokens } from './people.js'

/** Milliseconds before a hub that died is started again. */
const restartAfterMs = 5_000
const ledgerPath = '/hub/ledger.sqlite'

const usual: Omit<HubSettings, 'drawAbove'> = {
  relayFee: tokens(0.01),
  relaysPerDay: 20,
  relaysPerDayInAll: 100,
  gasWarnBelow: 0n,
  drainSeconds: 0,
  publicMetrics: false,
  guaranteeSeconds: 300,
  pollMs: 4_000,
}

/** A hub's own program on a machine of its own, started again whenever it dies. */
export class HubMachine {
  readonly port = 7_700
  readonly said: string[] = []
  #process: Process | undefined
  #running: RunningHub | undefined
  #generation = 0
  #isDown = false
  /** Whether it ever worked on a ledger older than what had left it. */
  hasLostLedger = false
  #copy: Buffer | undefined

  constructor(
    readonly identity: Identity,
    readonly name: string,
    private readonly rpc: readonly string[],
    private readonly confirmations: number,
    private readonly drawAbove: Wei,
  ) {
    diskOf(name).place('/hub/deployment.json', encodeMessage(deployment))
  }

  get isReady(): boolean {
    return this.#running !== undefined
  }

  get url(): string {
    return `ws://${this.name}:${this.port}`
  }

  start(): void {
    const time = timeline()
    const process = new Process(this.name, `${time.seed} ${this.#generation++}`)
    this.#process = process
    this.#isDown = false
    time.plan(0, () => void this.#open(process), process)
  }

  async #open(process: Process): Promise<void> {
    const time = timeline()
    const log = logOf(this.name, (line) => this.said.push(line))
    try {
      const chain = await connectChain({
        ...{ rpc: this.rpc, deploymentFile: '/hub/deployment.json', confirmations: this.confirmations, log },
        maxHeadAgeSeconds: 120,
      })
      const ledger = await openSqliteLedger(ledgerPath)
      const settings = { ...usual, drawAbove: this.drawAbove }
      const options = { chain, identity: this.identity, ledger, settings, log }
      const running = await startHub({ ...options, host: '0.0.0.0', port: this.port })
      if (this.#process === process) this.#running = running
      time.trace.note(`${this.name} serves`)
    } catch (error) {
      log.error('did not start', { reason: (error as Error).message.slice(0, 200) })
      if (/older than what this hub promised/.test((error as Error).message)) this.#rebuild()
      if (this.#process === process) this.kill()
    }
  }

  /** What an operator does whose ledger is lost: it says so (`ledger rebuild`), and starts the hub again. */
  #rebuild(): void {
    this.#write('recovering', JSON.stringify('asked'))
  }

  /** What `pontage-hub draw` asks of the hub that runs: everything it holds. */
  askToDraw(): void {
    if (this.#running) this.#write('draw-asked', `${timeline().nowMs}`)
  }

  #write(name: string, text: string): void {
    const database = diskOf(this.name).databases.get(ledgerPath)?.database
    if (database && !database.inTransaction)
      database.prepare('INSERT OR REPLACE INTO note (name, text) VALUES (?, ?)').run(name, text)
  }

  /** Ends the program at once; it is started again after a while. */
  kill(downMs = restartAfterMs): void {
    if (this.#isDown || !this.#process) return
    const time = timeline()
    time.trace.note(`${this.name} dies`)
    kill(this.#process)
    diskOf(this.name).crash()
    this.#running = undefined
    this.#isDown = true
    time.plan(downMs, () => this.start(), time.world)
  }

  /** Keeps a copy of the ledger, to put back later. */
  backUp(): void {
    this.#copy = diskOf(this.name).copyOf(ledgerPath)
  }

  /** Puts the copy of some time ago in the ledger's place, as after a lost disk, and says so, as docs/operations.md wants it. */
  goBack(): void {
    if (!this.#copy || this.#isDown) return
    this.kill()
    timeline().trace.note(`${this.name} goes back to an old ledger`)
    this.hasLostLedger = true
    diskOf(this.name).databases.get(ledgerPath)?.replace(this.#copy)
    this.#rebuild()
  }

  /** Puts that copy there while the hub works on it, as a fail-over to a standby that lacks the last writes. */
  failOver(): void {
    const file = diskOf(this.name).databases.get(ledgerPath)
    if (!this.#copy || !this.#running || !file || file.database.inTransaction) return
    timeline().trace.note(`${this.name}'s database fails over to an old copy`)
    this.hasLostLedger = true
    file.replace(this.#copy)
  }

  set diskIsFull(isFull: boolean) {
    diskOf(this.name).isFull = isFull
  }

  set clockOffsetMs(offset: number) {
    if (this.#process) this.#process.clockOffsetMs = offset
  }
}

/** A log that is part of the trace. */
export function logOf(name: string, tell: (line: string) => void = () => undefined): Log {
  const say = (level: string) => (message: string, details?: object) => {
    const line = `${name} ${level} ${message} ${details ? JSON.stringify(details, asText) : ''}`
    timeline().trace.note(line)
    if (level !== 'debug') tell(`${timeline().nowMs.toFixed(0)} ${line}`)
  }
  return { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') }
}

const asText = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
