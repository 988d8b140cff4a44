import type { Clock } from '../../clock.js'
import type { Refusal } from '../../refusal.js'
import type { Address } from '../../units.js'
import type { Allowance } from './answering.js'

/** What one listening program grants others. */
export interface Limits {
  /** Connections in all, and from one network address. */
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Requests a second of one identity, and from one network address; twice that at once after a pause. */
  readonly requestsPerSecond: number
  readonly requestsPerSecondPerAddress: number
  /** Requests of one identity that may be under way at once, also those of connections it has left. */
  readonly maxUnderWay: number
  /** Milliseconds a new connection has for each step until it has introduced itself. */
  readonly helloMs: number
  /** Bytes that may wait for a peer that does not read. */
  readonly maxBacklogBytes: number
}

export const usualLimits: Limits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 500,
  requestsPerSecond: 200,
  requestsPerSecondPerAddress: 2_000,
  maxUnderWay: 256,
  helloMs: 10_000,
  maxBacklogBytes: 1_048_576,
}

/** Seconds of its rate that a bucket holds. */
const burstSeconds = 2
/** Buckets that stand full again are forgotten this often. */
const sweepEveryMs = 10_000

/** Connections beyond a limit that are told so at the same time; others are not even heard. */
export const toldAtOnce = 50

/** Tokens that come back at a steady rate, for each of many keys. */
class Buckets {
  readonly #buckets = new Map<string, { tokens: number; at: number }>()
  #sweptAt: number

  constructor(
    private readonly perSecond: number,
    private readonly elapsedMs: () => number,
  ) {
    this.#sweptAt = elapsedMs()
  }

  /** Takes one; whoever has none goes into debt, so that going on asking does not pay. @returns what is left */
  take(key: string): number {
    const now = this.elapsedMs()
    if (now - this.#sweptAt > sweepEveryMs) this.#sweep(now)
    const bucket = this.#buckets.get(key) ?? { tokens: burstSeconds * this.perSecond, at: now }
    bucket.tokens = Math.max(this.#refilled(bucket, now) - 1, -burstSeconds * this.perSecond - 1)
    bucket.at = now
    this.#buckets.set(key, bucket)
    return bucket.tokens
  }

  #refilled({ tokens, at }: { tokens: number; at: number }, now: number): number {
    return Math.min(burstSeconds * this.perSecond, tokens + ((now - at) / 1_000) * this.perSecond)
  }

  #sweep(now: number): void {
    this.#sweptAt = now
    for (const [key, bucket] of this.#buckets)
      if (this.#refilled(bucket, now) >= burstSeconds * this.perSecond) this.#buckets.delete(key)
  }
}

/** Keeps one listening program's limits over all of its connections. */
export class Gatekeeper {
  readonly #connections = new Map<string, number>()
  #inAll = 0
  readonly #identities: Buckets
  readonly #addresses: Buckets
  /** Identities with requests under way, and how many. */
  readonly #underWay = new Map<string, number>()

  constructor(
    readonly limits: Limits,
    clock: Clock,
  ) {
    const elapsedMs = () => clock.elapsedMs()
    this.#identities = new Buckets(limits.requestsPerSecond, elapsedMs)
    this.#addresses = new Buckets(limits.requestsPerSecondPerAddress, elapsedMs)
  }

  /** Counts a connection from an address. @returns whether it may stay long enough to be told that it may not */
  arrive(address: string): boolean {
    const ofAddress = (this.#connections.get(address) ?? 0) + 1
    this.#inAll++
    this.#connections.set(address, ofAddress)
    return ofAddress <= this.limits.maxConnectionsPerAddress + toldAtOnce
  }

  /** A connection that was counted is gone. */
  leave(address: string): void {
    const left = (this.#connections.get(address) ?? 1) - 1
    this.#inAll--
    if (left === 0) this.#connections.delete(address)
    else this.#connections.set(address, left)
  }

  /** Why the newest connection from an address may not stay; undefined when it may. */
  crowded(address: string): Refusal | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.limits
    if (this.#inAll > maxConnections) return { code: 'too-many-connections', limit: maxConnections }
    if ((this.#connections.get(address) ?? 0) > maxConnectionsPerAddress)
      return { code: 'too-many-connections', limit: maxConnectionsPerAddress }
    return undefined
  }

  /** One more request from an address, whoever asks. */
  visit(address: string): Refusal | undefined {
    const { requestsPerSecondPerAddress } = this.limits
    return this.#addresses.take(address) < 0 ? this.#tooMany(requestsPerSecondPerAddress) : undefined
  }

  /** What one link may ask. */
  allowance(peer: Address, address: string): Allowance {
    const { requestsPerSecond, maxUnderWay } = this.limits
    let left = 0
    return {
      begin: () => {
        const count = this.#underWay.get(peer) ?? 0
        if (count >= maxUnderWay) return { code: 'too-many-under-way', limit: maxUnderWay }
        this.#underWay.set(peer, count + 1)
        return undefined
      },
      end: () => {
        const count = (this.#underWay.get(peer) ?? 1) - 1
        if (count === 0) this.#underWay.delete(peer)
        else this.#underWay.set(peer, count)
      },
      take: () => {
        left = this.#identities.take(peer)
        // What is refused anyway does not count against its neighbours.
        if (left < 0) return this.#tooMany(requestsPerSecond)
        return this.visit(address)
      },
      // Being told each time is work for us too.
      exhausted: () => left < -burstSeconds * requestsPerSecond,
    }
  }

  #tooMany(perSecond: number): Refusal {
    return { code: 'too-many-requests', perSecond }
  }
}
