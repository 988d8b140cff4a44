import { type Firewall, openComponents, type Serving, type Settings, serve } from '@pontage/provider'
import { type Address, bytes, encodeMessage, type Hex, type Price, wei } from '@pontage/shared'
import { connectChain, type Identity, type Log } from '@pontage/shared/node'
import { deployment } from '../chain/deployment.js'
import { giveAddress } from '../kernel/kernel.js'
import { diskOf } from '../stage/disk.js'
import { kill, Process, timeline } from '../stage/timeline.js'
import { logOf } from './hub.js'
import { tokens } from './people.js'

const home = '/home'
const restartAfterMs = 5_000
/** Most that is forwarded ahead of payment. */
export const creditBytes = bytes(5_000_000n)

/** How a provider's program is led astray: its components, and what it reads of its firewall. */
export interface Cheat {
  readonly doctor: (components: ReturnType<typeof openComponents>) => ReturnType<typeof openComponents>
  readonly miscount: (firewall: Firewall) => Firewall
}

/** A provider's own program on a machine of its own, started again whenever it dies. */
export class ProviderMachine {
  readonly address: string
  #process: Process | undefined
  #serving: Serving | undefined
  #generation = 0
  #isDown = false

  constructor(
    readonly identity: Identity,
    readonly name: string,
    readonly number: number,
    readonly price: Price,
    private readonly around: {
      readonly hub: Address
      readonly rpc: readonly string[]
      readonly accepts: (provider: string, channel: Hex, amount: bigint) => void
      readonly opens: (provider: string) => void
    },
    private readonly cheat?: Cheat,
  ) {
    this.address = `45.0.0.${number}`
    giveAddress(name, this.address)
    diskOf(name).place('/home/deployment.json', encodeMessage(deployment))
  }

  get isReady(): boolean {
    return this.#serving !== undefined
  }

  start(): void {
    const time = timeline()
    const process = new Process(this.name, `${time.seed} ${this.#generation++}`)
    this.#process = process
    this.#isDown = false
    time.plan(0, () => void this.#open(process), process)
  }

  async #open(process: Process): Promise<void> {
    const log = this.#log()
    try {
      const chain = await connectChain({
        ...{ rpc: this.around.rpc, deploymentFile: '/home/deployment.json', confirmations: 2, log },
        maxHeadAgeSeconds: 120,
      })
      const components = openComponents(home, this.identity, chain, log)
      const { doctor, miscount } = this.cheat ?? {}
      const serving = await serve(doctor ? doctor(components) : components, this.#settings(), miscount)
      void serving.failed.catch((error: Error) => {
        log.error('cannot go on', { reason: error.message })
        if (this.#process === process) this.kill()
      })
      if (this.#process === process) this.#serving = serving
      timeline().trace.note(`${this.name} serves`)
    } catch (error) {
      log.error('did not start', { reason: (error as Error).message.slice(0, 300) })
      if (this.#process === process) this.kill()
    }
  }

  /** Its own log, by which it says what it has stored, confirmed and opened. */
  #log(): Log {
    const log = logOf(this.name)
    return {
      ...log,
      debug: (message, details) => {
        const { channelId, amount } = (details ?? {}) as { channelId?: Hex; amount?: bigint }
        if (message === 'promise accepted' && channelId && amount)
          this.around.accepts(this.name, channelId, amount)
        log.debug(message, details)
      },
      info: (message, details) => {
        log.info(message, details)
        if (message === 'session opened') this.around.opens(this.name)
      },
    }
  }

  #settings(): Settings {
    const { address, number, price, around } = this
    return {
      home,
      endpoint: { host: address, port: 7_711 },
      listen: { host: '0.0.0.0', port: 7_711 },
      ...{ wireguardPort: 7_801, tls: undefined, front: undefined, unlisted: false, portMapping: 'off' },
      ...{ metricsPort: undefined, gasWarnBelow: 0n, reachCheck: false, price, country: 'DE' },
      hubs: [around.hub],
      exitPolicy: 'deny tcp/25',
      access: { allow: [], deny: [], minStake: wei(0n), minAgeSeconds: 0 },
      ...{
        uplink: undefined,
        subnet4: `10.86.${number}.0/24`,
        subnet6: `fd86:${number}::/64`,
        resolvers: [],
      },
      ...{ creditBytes, limits: { total: undefined, session: undefined }, ceilingBytes: bytes(60_000_000n) },
      ...{ graceSeconds: 20, goneAfterSeconds: 60, withdrawAfterSeconds: 60, clearEverySeconds: 60 },
      maxSessions: 20,
      redeem: { auto: true, above: tokens(1), everySeconds: 120, maxGasShareBps: 10_000 },
      coinPrice: { weiPerCoin: tokens(0.001) },
      exposure: { each: tokens(1_000), of: new Map() },
    }
  }

  /** Ends the program at once; it is started again after a while. What its kernel has stays. */
  kill(downMs = restartAfterMs): void {
    if (this.#isDown || !this.#process) return
    const time = timeline()
    time.trace.note(`${this.name} dies`)
    kill(this.#process)
    diskOf(this.name).crash()
    this.#serving = undefined
    this.#isDown = true
    time.plan(downMs, () => this.start(), time.world)
  }

  /** Ends it in order: sessions end, and what they brought is cleared, drawn where it must be, and redeemed. */
  stop(): void {
    const serving = this.#serving
    const process = this.#process
    if (!serving || !process) return
    timeline().trace.note(`${this.name} stops`)
    this.#serving = undefined
    const ended = () => {
      if (this.#process === process) this.kill()
    }
    timeline().plan(0, () => void serving.stop().then(ended, ended), process)
  }
}
