import {
  alreadyOpen,
  type ConnectWishes,
  type Context,
  connect,
  createCalendar,
  openJournal,
  type Screen,
} from '@pontage/consumer'
import { bytes, encodeMessage, systemClock } from '@pontage/shared'
import { connectChain, createTypedData, type Identity } from '@pontage/shared/node'
import { deployment } from '../chain/deployment.js'
import type { SessionJudge } from '../judge/sessions.js'
import { kernelOf } from '../kernel/kernel.js'
import { diskOf } from '../stage/disk.js'
import { kill, Process, timeline } from '../stage/timeline.js'
import { logOf } from './hub.js'
import { tokens } from './people.js'

const home = '/home'

/** A consumer's own program on a machine of its own: each connection is a process. */
export class ConsumerMachine {
  #process: Process | undefined
  #stop: AbortController | undefined
  #generation = 0

  constructor(
    readonly identity: Identity,
    readonly name: string,
    private readonly rpc: readonly string[],
    private readonly judge: SessionJudge,
  ) {
    const disk = diskOf(name)
    disk.makeFolder(home)
    disk.place('/home/deployment.json', encodeMessage(deployment))
    disk.place('/proc/self', '1')
    disk.place('/proc/self/ns/net', 'net:[1]')
    disk.place('/proc/1/stat', `1 (pontage) S ${'0 '.repeat(30)}`)
    disk.place('/proc/sys/kernel/random/boot_id', 'boot')
  }

  get isConnected(): boolean {
    return this.#process !== undefined
  }

  /** Connects until it is stopped, limited or left alone. */
  connect(wishes: Partial<ConnectWishes>): void {
    if (this.#process) return
    const time = timeline()
    const process = new Process(this.name, `${time.seed} ${this.#generation++}`)
    this.#process = process
    const stop = new AbortController()
    this.#stop = stop
    const all = { ...usual, ...wishes }
    this.#tidy()
    this.judge.connects(this.name, all)
    time.plan(0, () => void this.#run(process, all, stop.signal), process)
  }

  /** What `pontage disconnect` does after a crash. */
  #tidy(): void {
    kernelOf(this.name).interfaces.clear()
    kernelOf(this.name).nft.tables.clear()
  }

  async #run(process: Process, wishes: ConnectWishes, stop: AbortSignal): Promise<void> {
    const log = logOf(this.name)
    try {
      const chain = await connectChain({
        ...{ rpc: this.rpc, deploymentFile: '/home/deployment.json', confirmations: 2, log },
        maxHeadAgeSeconds: 120,
      })
      const context: Context = {
        ...{ home, identity: this.identity, chain, clock: systemClock, log },
        typedData: createTypedData(deployment),
        calendar: createCalendar(systemClock, () => systemClock.elapsedMs() / 1_000),
      }
      const opened = await openJournal(home)
      const journal: typeof opened = {
        ...opened,
        record: (entry) => {
          if (entry.kind === 'total')
            this.judge.signs(this.name, entry.provider, entry.channelId, entry.amount)
          return opened.record(entry)
        },
      }
      const reason = await connect(alreadyOpen(context), journal, wishes, this.#screen(), stop)
      log.info('connection ended', { reason })
      await journal.close()
    } catch (error) {
      log.error('connection failed', { reason: (error as Error).message.slice(0, 300) })
    }
    if (this.#process !== process) return
    this.#process = undefined
    kill(process)
  }

  #screen(): Screen {
    const log = logOf(this.name)
    const silent = () => undefined
    return {
      ...{ chosen: silent, opened: silent, refilled: silent, carried: silent, warned: silent },
      refused: ({ provider, code, message }) => log.info('refused', { provider, code, message }),
      connected: ({ provider, address4 }) => log.info('connected', { provider, address4 }),
      report: silent,
      interfered: ({ part }) => log.warn('interfered', { part }),
      failedOver: (session, { provider }) => this.judge.ended(this.name, provider, session),
      ended: (session, sessions) => {
        const last = sessions.at(-1)?.receipt.provider
        if (last) this.judge.ended(this.name, last, session)
      },
    }
  }

  disconnect(): void {
    if (this.#process) timeline().plan(0, () => this.#stop?.abort(), this.#process)
  }

  /** The program dies; its rules and its tunnel stay, as after a crash. */
  kill(): void {
    if (!this.#process) return
    timeline().trace.note(`${this.name} dies`)
    kill(this.#process)
    diskOf(this.name).crash()
    this.#process = undefined
  }
}

const usual: ConnectWishes = {
  ...{ provider: undefined, country: undefined, hub: undefined, interface: undefined, netns: undefined },
  limits: { maxPrice: {}, caps: [], budgets: [] },
  use: { bytes: bytes(1_000_000_000n), seconds: 3_600n },
  deposit: tokens(20),
  topUp: undefined,
  maxRelayFee: tokens(0.1),
  ...{ allowLan: false, gatewayFor: [], resolvers: undefined, carrier: 'udp' },
  ...{ patienceMs: 6_000, retryForMs: 60_000 },
}
