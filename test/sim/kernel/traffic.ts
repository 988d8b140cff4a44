import { theNetwork } from '../network/network.js'
import { timeline } from '../stage/timeline.js'
import { greet, kernelOf, machineAt, type Tunnel, tunnelFrom } from './kernel.js'

/** What a machine wants to move through its tunnel. */
export interface Appetite {
  /** Bytes a second, each way. */
  readonly down: number
  readonly up: number
}

/** What really passed a consumer's tunnel, whatever was counted. */
export interface Passed {
  /** Through the provider's rules, what was lost afterwards included. */
  forwarded: bigint
  forwardedPackets: bigint
  /** Asked for, and through the consumer's rules. */
  arrived: bigint
  /** Tunnels that stood, and for how long, in seconds. */
  sessions: number
  seconds: number
  /** What it had been when the last of them was raised. */
  before: { readonly arrived: bigint; readonly seconds: number }
}

const tickMs = 250
/** The largest packet that a kernel hands on whole. */
const mostPacket = 60_000
const internet = '93.184.216.34'
const neighbour = '10.86.0.1'
const header = 32n

/** Bytes that flow between consumers and the internet, by the rules of both machines. */
export class Traffic {
  /** Of a thousand packets of a tunnel, how many are lost. */
  lostPerMille = 2
  /** Bytes a second that nobody asked for, into every tunnel: from the provider's own machine. */
  poured = 0
  readonly #appetites = new Map<string, Appetite>()
  readonly #passed = new Map<string, Passed>()
  readonly #keys = new Set<string>()

  /** @param lawless - Machines whose owner pours past the rules of its own program. */
  constructor(private readonly lawless: ReadonlySet<string>) {}

  begin(machines: readonly string[]): void {
    const tick = () => {
      for (const machine of machines) this.#flow(machine)
      timeline().plan(tickMs, tick, timeline().world)
    }
    timeline().plan(tickMs, tick, timeline().world)
  }

  want(machine: string, appetite: Appetite): void {
    this.#appetites.set(machine, appetite)
  }

  passedBy(consumer: string, provider: string): Passed {
    const key = `${consumer} ${provider}`
    const known = this.#passed.get(key) ?? {
      ...{ forwarded: 0n, forwardedPackets: 0n, arrived: 0n, sessions: 0, seconds: 0 },
      before: { arrived: 0n, seconds: 0 },
    }
    this.#passed.set(key, known)
    return known
  }

  #flow(machine: string): void {
    if (kernelOf(machine).interfaces.size === 0) return
    this.#time(machine)
    const tunnel = tunnelFrom(machine)
    if (!tunnel || theNetwork().isCut(machine, tunnel.provider.machine)) return
    greet(tunnel)
    heard(tunnel.toProvider, tunnel.toConsumer, header)
    heard(tunnel.toConsumer, tunnel.toProvider, header)
    const { down, up } = this.#appetites.get(machine) ?? { down: 0, up: 0 }
    this.#burst(down, (bytes) => this.#down(tunnel, bytes, true))
    this.#burst(up, (bytes) => this.#up(tunnel, bytes))
    this.#burst(this.poured, (bytes) => this.#down(tunnel, bytes, false))
  }

  /** A tunnel stands for its consumer whether or not the other end answers. */
  #time(machine: string): void {
    for (const { publicKey, peers } of kernelOf(machine).interfaces.values())
      for (const { endpoint } of peers.values()) {
        const provider = machineAt(endpoint?.host ?? '', machine)
        if (provider === undefined) continue
        const passed = this.passedBy(machine, provider)
        if (!this.#keys.has(publicKey)) {
          this.#keys.add(publicKey)
          passed.sessions++
          passed.before = { arrived: passed.arrived, seconds: passed.seconds }
        }
        passed.seconds += tickMs / 1_000
      }
  }

  #burst(perSecond: number, send: (bytes: bigint) => void): void {
    let left = Math.floor((perSecond * tickMs) / 1_000)
    for (; left > 0; left -= mostPacket) send(BigInt(Math.max(60, Math.min(mostPacket, left))))
  }

  #isLost(): boolean {
    return timeline().chance.dice(1_000) < this.lostPerMille
  }

  /** From the internet, or, where nobody asked for it, from another program on the provider's machine. */
  #down(tunnel: Tunnel, bytes: bigint, isAsked: boolean): void {
    const { provider, far, consumer, near, address4 } = tunnel
    const passed = this.passedBy(consumer.machine, provider.machine)
    const packet = {
      from: isAsked ? internet : neighbour,
      to: address4,
      sourcePort: 443,
      port: 50_000,
      bytes,
    }
    const into = { ...packet, out: far.name, isAsked }
    if (isAsked && !provider.nft.passes('forward', { ...into, in: 'eth0' })) return
    const isForced = !isAsked && this.lawless.has(provider.machine)
    if (!isForced && !provider.nft.passes('postrouting', into)) return
    if (isAsked) forward(passed, bytes)
    heard(tunnel.toProvider, tunnel.toConsumer, bytes)
    if (this.#isLost()) return
    if (!consumer.nft.passes('prerouting', { ...packet, in: near.name, isAsked })) return
    if (!isAsked) return
    passed.arrived += bytes
  }

  #up(tunnel: Tunnel, bytes: bigint): void {
    const { provider, far, consumer, near, address4 } = tunnel
    const passed = this.passedBy(consumer.machine, provider.machine)
    const packet = { from: address4, to: internet, sourcePort: 50_000, port: 443, bytes, isAsked: true }
    const out = { ...packet, out: near.name }
    if (!consumer.nft.passes('output', out) || !consumer.nft.passes('postrouting', out)) return
    passed.arrived += bytes
    heard(tunnel.toConsumer, tunnel.toProvider, bytes)
    if (this.#isLost()) return
    if (!provider.nft.passes('prerouting', { ...packet, in: far.name })) return
    if (provider.nft.passes('forward', { ...packet, in: far.name, out: 'eth0' })) forward(passed, bytes)
  }
}

function heard(by: Tunnel['toProvider'], from: Tunnel['toProvider'], bytes: bigint): void {
  by.receivedBytes += bytes
  from.sentBytes += bytes
}

function forward(passed: Passed, bytes: bigint): void {
  passed.forwarded += bytes
  passed.forwardedPackets += 1n
}
