import { parseRange } from './addressRange.js'

/** The two subnets of a provider's tunnels; the first address of each is its own. */
export interface Subnets {
  readonly subnet4: string
  readonly subnet6: string
}

/** Addresses of one end of a tunnel, without prefix length. */
export interface TunnelAddresses {
  readonly address4: string
  readonly address6: string
}

/** Hands out tunnel addresses in turn, so that a place just freed is the last to be given again. */
export class AddressPool {
  readonly #first4: bigint
  readonly #first6: bigint
  readonly #placeOf = new Map<string, number>()
  readonly #taken = new Set<number>()
  readonly #places: number
  #next = 0

  /** @throws RangeError when a subnet is none, or too small for `places` consumers. */
  constructor(subnets: Subnets, places: number) {
    const range4 = parseRange(subnets.subnet4)
    const range6 = parseRange(subnets.subnet6)
    if (range4?.family !== 4)
      throw new RangeError(`"${subnets.subnet4}" is not an IPv4 subnet such as 10.86.0.0/16.`)
    if (range6?.family !== 6)
      throw new RangeError(`"${subnets.subnet6}" is not an IPv6 subnet such as fd50:6f6e:7467::/64.`)
    // Network, gateway and broadcast are nobody's.
    const room = 2 ** (32 - range4.bits) - 3
    if (places > room)
      throw new RangeError(
        `${subnets.subnet4} has room for ${Math.max(0, room)} consumers, but ${places} are allowed. Choose a larger subnet, or fewer sessions.`,
      )
    if (range6.bits > 112)
      throw new RangeError(`${subnets.subnet6} is too small: a prefix of at most 112 bits is needed.`)
    this.#first4 = range4.first
    this.#first6 = range6.first
    this.#places = places
  }

  /** The provider's own addresses. */
  get gateway(): TunnelAddresses {
    return this.#at(1)
  }

  /** Those of the first consumer, whoever that is. */
  get first(): TunnelAddresses {
    return this.#at(2)
  }

  /** Addresses for one consumer, undefined when all are taken. */
  take(): TunnelAddresses | undefined {
    for (let tried = 0; tried < this.#places; tried++) {
      const place = (this.#next + tried) % this.#places
      if (this.#taken.has(place)) continue
      this.#taken.add(place)
      this.#next = (place + 1) % this.#places
      const addresses = this.#at(place + 2)
      this.#placeOf.set(addresses.address4, place)
      return addresses
    }
    return undefined
  }

  /** Takes these very addresses; false when they are none of the pool's, or taken. */
  claim(addresses: TunnelAddresses): boolean {
    for (let place = 0; place < this.#places; place++) {
      const { address4, address6 } = this.#at(place + 2)
      if (address4 !== addresses.address4) continue
      if (address6 !== addresses.address6 || this.#taken.has(place)) return false
      this.#taken.add(place)
      this.#placeOf.set(address4, place)
      this.#next = (place + 1) % this.#places
      return true
    }
    return false
  }

  /** Gives addresses back. */
  free(addresses: TunnelAddresses): void {
    const place = this.#placeOf.get(addresses.address4)
    if (place === undefined) return
    this.#placeOf.delete(addresses.address4)
    this.#taken.delete(place)
  }

  #at(offset: number): TunnelAddresses {
    return { address4: text4(this.#first4 + BigInt(offset)), address6: text6(this.#first6 + BigInt(offset)) }
  }
}

const text4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')

function text6(value: bigint): string {
  const words = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 0xffffn)
  const text = words.map((word) => word.toString(16)).join(':')
  // The first run of two or more zeros is shortened, as the system's tools print it.
  return text.replace(/(^|:)0(:0)+(:|$)/, '::')
}
