import { readFile } from 'node:fs/promises'
import { applyIp, CommandFailed, runCommand } from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'

/** How a provider's end of the tunnels has to be. */
export interface TunnelState {
  readonly name: string
  readonly mtu: number
  readonly gateway: TunnelAddresses
  /** Prefix lengths of the subnets. */
  readonly bits: { readonly four: number; readonly six: number }
  readonly subnet4: string
  readonly subnet6: string
}

/** Whether the machine has IPv6 at all; without it consumers have none either. */
export const hasIpv6 = async (): Promise<boolean> =>
  (await readFile('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'utf8').catch(() => '1')).trim() === '0'

/** Addresses of our end, with their prefix lengths. */
export const ownAddresses = async ({ gateway, bits }: Pick<TunnelState, 'gateway' | 'bits'>) => [
  `${gateway.address4}/${bits.four}`,
  ...((await hasIpv6()) ? [`${gateway.address6}/${bits.six}`] : []),
]

/**
 * Gives a tunnel back what another program took away from it.
 *
 * @returns What that was, in words; the routes of single consumers are gone, too, where there is any.
 */
export async function mendTunnel(state: TunnelState): Promise<string[]> {
  const { name, mtu, subnet4, subnet6, gateway } = state
  const wanted = await ownAddresses(state)
  const [link] = await list<Link>(['address', 'show', 'dev', name])
  const addresses = (link?.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  const missing = wanted.filter((address) => !addresses.includes(address))
  const isUp = link?.flags?.includes('UP') ?? false
  const isWide = link?.mtu === mtu
  await applyIp([
    // First: below 1,280 bytes there is no IPv6.
    ...(isUp && isWide ? [] : [['link', 'set', 'dev', name, 'mtu', String(mtu), 'up']]),
    ...missing.map((address) => [
      ...['address', 'replace', address, 'dev', name],
      ...(address.includes(':') ? ['nodad'] : []),
    ]),
  ])
  const subnets = [
    { subnet: subnet4, source: gateway.address4, family: '-4' },
    { subnet: subnet6, source: gateway.address6, family: '-6' },
  ].slice(0, wanted.length)
  const lost: typeof subnets = []
  for (const each of subnets) {
    const routes = await list<{ dst: string }>([each.family, 'route', 'show', 'dev', name])
    if (!routes.some(({ dst }) => dst === each.subnet)) lost.push(each)
  }
  await applyIp(
    lost.map(({ subnet, source, family }) => [
      ...['route', 'replace', subnet, 'dev', name],
      ...(family === '-4' ? ['src', source] : []),
    ]),
  )
  return [
    ...missing.map((address) => `address ${address}`),
    ...(isUp ? [] : ['state up']),
    ...(isWide ? [] : [`MTU ${mtu}`]),
    ...lost.map(({ subnet }) => `route to ${subnet}`),
  ]
}

interface Link {
  readonly flags?: readonly string[]
  readonly mtu?: number
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number }[]
}

async function list<T>(question: readonly string[]): Promise<T[]> {
  const { stdout } = await runCommand(['ip', '-json', ...question])
  return JSON.parse(stdout.trim() === '' ? '[]' : stdout) as T[]
}

/** A route of its own for each consumer whose path takes less than the tunnel. */
export class PathRoutes {
  readonly #narrowed = new Map<string, { readonly addresses: TunnelAddresses; readonly mtu: number }>()

  constructor(private readonly device: string) {}

  /** Sends this consumer no larger packets. */
  async narrow(key: string, addresses: TunnelAddresses, mtu: number): Promise<void> {
    this.#narrowed.set(key, { addresses, mtu })
    await this.#change('replace', addresses, mtu)
  }

  /** Takes its route away; one that is gone already is no error. */
  async widen(key: string): Promise<void> {
    const found = this.#narrowed.get(key)
    this.#narrowed.delete(key)
    if (found === undefined) return
    await this.#change('delete', found.addresses).catch((error) => {
      if (!(error instanceof CommandFailed && /no such process/i.test(error.stderr))) throw error
    })
  }

  /** Writes all of them again. */
  async restore(): Promise<void> {
    for (const { addresses, mtu } of this.#narrowed.values()) await this.#change('replace', addresses, mtu)
  }

  async #change(verb: 'replace' | 'delete', { address4, address6 }: TunnelAddresses, mtu?: number) {
    const words = ['dev', this.device, ...(mtu === undefined ? [] : ['mtu', String(mtu)])]
    await applyIp([
      ['route', verb, `${address4}/32`, ...words],
      ...((await hasIpv6()) ? [['route', verb, `${address6}/128`, ...words]] : []),
    ])
  }
}
