import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** The addresses under which a machine is known outside. */
export interface OuterAddresses {
  /** As known by now, in the order of their texts; names are looked up again every few minutes. */
  now(): Promise<readonly string[]>
  /** Adds one that the router told. */
  add(address: string): void
}

const lookEveryMs = 300_000

/** Follows a host name or address. A name that is not answered keeps the addresses that it had. */
export function followOuterAddresses(host: string, elapsedMs: () => number): OuterAddresses {
  const name = host.replace(/^\[|\]$/g, '')
  const told = new Set<string>()
  let named: readonly string[] = isIP(name) === 0 ? [] : [name]
  let lookedAt = Number.NEGATIVE_INFINITY
  return {
    async now() {
      if (isIP(name) === 0 && elapsedMs() - lookedAt >= lookEveryMs) {
        lookedAt = elapsedMs()
        const found = await lookup(name, { all: true }).catch(() => [])
        if (found.length > 0) named = found.map(({ address }) => address)
      }
      return [...new Set([...named, ...told])].sort()
    },
    add(address) {
      if (isIP(address) !== 0) told.add(address)
    },
  }
}
