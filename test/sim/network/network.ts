import { type Process, timeline } from '../stage/timeline.js'

/** How bad the network is. */
export interface Weather {
  /** Milliseconds of one way, at least and at most. */
  readonly latencyMs: readonly [least: number, most: number]
  /** Of a thousand messages, how many are sent again for having been lost: they and all after them come later. */
  lostPerMille: number
}

/** Milliseconds that a lost message is late. */
const resendMs = 800
/** Milliseconds after which a connection through a cut line breaks. */
const breakAfterMs = 60_000

/** Which machines reach which, and how long it takes. */
export class Network {
  readonly weather: Weather = { latencyMs: [1, 40], lostPerMille: 2 }
  readonly #cuts = new Set<string>()
  readonly #healed: (() => void)[] = []

  /** Cuts the line between two machines, both ways. */
  cut(one: string, other: string): void {
    this.#cuts.add(pair(one, other))
    timeline().trace.note(`line cut ${pair(one, other)}`)
  }

  heal(): void {
    if (this.#cuts.size === 0) return
    timeline().trace.note('lines healed')
    this.#cuts.clear()
    for (const act of this.#healed.splice(0)) act()
  }

  isCut(one: string, other: string): boolean {
    return this.#cuts.has(pair(one, other))
  }

  /** How long a message takes now. */
  delayMs(): number {
    const { chance } = timeline()
    const [least, most] = this.weather.latencyMs
    const way = least + chance.real() * chance.real() * (most - least)
    return chance.dice(1_000) < this.weather.lostPerMille ? way + resendMs * (1 + chance.dice(3)) : way
  }

  /** Calls back when no line is cut any more. */
  afterHealing(act: () => void): void {
    this.#healed.push(act)
  }
}

const pair = (one: string, other: string): string => [one, other].sort().join(' | ')

/** A stream of messages between two machines, in order, as TCP gives it. */
export class Stream {
  #lastAt = 0
  #isBroken = false
  readonly #held: (() => void)[] = []

  constructor(
    private readonly network: Network,
    private readonly from: Process,
    private readonly to: Process,
    private readonly broken: () => void,
  ) {}

  /** Delivers after everything that was sent before. */
  send(deliver: () => void): void {
    if (this.#isBroken) return
    if (this.network.isCut(this.from.name, this.to.name)) {
      this.#hold(deliver)
      return
    }
    const time = timeline()
    const at = Math.max(time.nowMs + this.network.delayMs(), this.#lastAt)
    this.#lastAt = at
    time.plan(at - time.nowMs, deliver, this.to)
  }

  #hold(deliver: () => void): void {
    this.#held.push(deliver)
    if (this.#held.length > 1) return
    const time = timeline()
    const giveUp = time.plan(breakAfterMs, () => this.#break(), this.from)
    this.network.afterHealing(() => {
      giveUp.cancel()
      if (this.#isBroken) return
      time.as(time.world, () => {
        for (const each of this.#held.splice(0)) this.send(each)
      })
    })
  }

  #break(): void {
    this.#isBroken = true
    this.#held.length = 0
    this.broken()
  }
}

let network = new Network()
export const theNetwork = (): Network => network
export function beginNetwork(): Network {
  network = new Network()
  return network
}
