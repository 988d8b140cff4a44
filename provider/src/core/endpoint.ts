/** An endpoint as it is offered: where it is, and where the program listens. */
export interface OfferedEndpoint {
  /** As it is written in the offer. */
  readonly host: string
  /** Addresses that it stands for; none where its name was not answered. */
  readonly addresses: readonly string[]
  /** Address that is listened on. */
  readonly listen: string
}

/**
 * Whether consumers can reach an endpoint at all, as far as can be told from here.
 *
 * @returns A sentence about why nobody can; undefined where somebody may.
 */
export function judgeEndpoint({ host, addresses, listen }: OfferedEndpoint): string | undefined {
  if (addresses.some(isUnspecified))
    return `The endpoint ${host} is no address that anybody can connect to. Give the machine’s public address or name as --endpoint.`
  const isHeard = addresses.some((address) => listen === '::' || familyOf(address) === familyOf(listen))
  if (addresses.length === 0 || isHeard) return undefined
  return `The endpoint ${host} is reached by IPv${familyOf(addresses[0] ?? '')} only, but --host ${listen} listens on IPv${familyOf(listen)} only. Listen on both with --host ::.`
}

const isUnspecified = (address: string): boolean => /^0\.|^::$/.test(address)

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)
