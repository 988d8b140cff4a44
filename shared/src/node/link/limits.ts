import type { Clock } from '../../clock.js'
import type { Refusal } from '../../refusal.js'
import type { Address } from '../../units.js'
import type { Allowance } from './answering.js'
import { Buckets, burstSeconds } from './buckets.js'
import { networkOf } from './network.js'

/** What one listening program grants others. */
export interface Limits {
  /** Connections in all, and from one network address (of IPv6: from one /64). */
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** New connections a second from one network address; twice that at once after a pause. */
  readonly connectionsPerSecondPerAddress: number
  /** Requests a second of one identity, and from one network address; twice that at once after a pause. */
  readonly requestsPerSecond: number
  readonly requestsPerSecondPerAddress: number
  /** Requests of one identity that may be under way at once, also those of connections it has left. */
  readonly maxUnderWay: number
  /** Milliseconds a new connection has for each step until it has introduced itself. */
  readonly helloMs: number
  /** Milliseconds after which a visitor is gone who takes nothing of a page; web servers wait as long. */
  readonly idleMs: number
  /** Bytes that may wait for a peer that does not read. */
  readonly maxBacklogBytes: number
}

export const defaultLimits: Limits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 500,
  connectionsPerSecondPerAddress: 250,
  requestsPerSecond: 200,
  requestsPerSecondPerAddress: 2_000,
  maxUnderWay: 256,
  helloMs: 10_000,
  idleMs: 60_000,
  maxBacklogBytes: 1_048_576,
}

/** The usual limits where nothing else is said. Whoever lets many connections stand lets them come fast, too. */
export const withDefaults = (given: Partial<Limits> = {}): Limits => ({
  ...defaultLimits,
  connectionsPerSecondPerAddress: Math.max(
    defaultLimits.connectionsPerSecondPerAddress,
    (given.maxConnectionsPerAddress ?? 0) / 2,
  ),
  ...given,
})

/** Connections beyond a limit that are told so at the same time; others are not even heard. */
export const toldAtOnce = 50

/** Keeps one listening program's limits over all of its connections. */
export class Gatekeeper {
  readonly #connections = new Map<string, number>()
  #inAll = 0
  readonly #identities: Buckets
  readonly #addresses: Buckets
  readonly #arrivals: Buckets
  /** Identities with requests under way, and how many. */
  readonly #inFlight = new Map<string, number>()

  constructor(
    readonly limits: Limits,
    clock: Clock,
  ) {
    const elapsedMs = () => clock.elapsedMs()
    this.#identities = new Buckets(limits.requestsPerSecond, elapsedMs)
    this.#addresses = new Buckets(limits.requestsPerSecondPerAddress, elapsedMs)
    this.#arrivals = new Buckets(limits.connectionsPerSecondPerAddress, elapsedMs)
  }

  /** Counts a connection from an address. @returns whether it may stay long enough to be told that it may not */
  arrive(address: string): boolean {
    const network = networkOf(address)
    const ofNetwork = (this.#connections.get(network) ?? 0) + 1
    this.#inAll++
    this.#connections.set(network, ofNetwork)
    // An introduction costs us signatures, with TLS more: whoever comes too fast is not even heard.
    const isSlow = this.#arrivals.take(network).granted
    return isSlow && ofNetwork <= this.limits.maxConnectionsPerAddress + toldAtOnce
  }

  /** A connection that was counted is gone. */
  leave(address: string): void {
    const network = networkOf(address)
    const left = (this.#connections.get(network) ?? 1) - 1
    this.#inAll--
    if (left === 0) this.#connections.delete(network)
    else this.#connections.set(network, left)
  }

  /** Why the newest connection from an address may not stay; undefined when it may. */
  crowded(address: string): Refusal | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.limits
    if (this.#inAll > maxConnections) return { code: 'too-many-connections', limit: maxConnections }
    if ((this.#connections.get(networkOf(address)) ?? 0) > maxConnectionsPerAddress)
      return { code: 'too-many-connections', limit: maxConnectionsPerAddress }
    return undefined
  }

  /** One more request from an address, whoever asks. */
  visit(address: string, cost = 1): Refusal | undefined {
    const { requestsPerSecondPerAddress } = this.limits
    const { granted } = this.#addresses.take(networkOf(address), cost)
    return granted ? undefined : this.#tooMany(requestsPerSecondPerAddress)
  }

  /** What one link may ask. */
  allowance(peer: Address, address: string): Allowance {
    const { requestsPerSecond, maxUnderWay } = this.limits
    let isExhausted = false
    /** Refusals in a row for the sake of the address: its other identities are not at fault. */
    let refusals = 0
    return {
      begin: () => {
        const count = this.#inFlight.get(peer) ?? 0
        if (count >= maxUnderWay) return { code: 'too-many-under-way', limit: maxUnderWay }
        this.#inFlight.set(peer, count + 1)
        return undefined
      },
      end: () => {
        const count = (this.#inFlight.get(peer) ?? 1) - 1
        if (count === 0) this.#inFlight.delete(peer)
        else this.#inFlight.set(peer, count)
      },
      take: (cost = 1) => {
        const { granted, exhausted } = this.#identities.take(peer, cost)
        isExhausted = exhausted
        // What is refused anyway does not count against its neighbours.
        if (!granted) return this.#tooMany(requestsPerSecond)
        const refusal = this.visit(address, cost)
        refusals = refusal ? refusals + 1 : 0
        return refusal
      },
      // Being told each time is work for us too.
      exhausted: () => isExhausted || refusals > burstSeconds * requestsPerSecond,
    }
  }

  #tooMany(perSecond: number): Refusal {
    return { code: 'too-many-requests', perSecond }
  }
}
