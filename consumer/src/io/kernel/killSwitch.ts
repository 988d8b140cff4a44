import type { Bytes } from '@pontage/shared'
import {
  applyRuleset,
  isAsleep,
  listTable,
  type NftOptions,
  nftAddress,
  nftAddressWord,
  nftBytes,
  nftInterface,
  nftMark,
  nftPort,
  replaceTable,
} from '@pontage/shared/node'
import {
  guestCommands,
  killSwitchTable,
  objectNames,
  type PaymentPort,
  shutRuleset,
  type TunnelValues,
  tunnelRuleset,
} from '../../core/killSwitch.js'
import { lockdownTable } from '../../core/lockdown.js'
import type { Policy } from '../../core/policy.js'
import { isLockedDown, lockdownText } from './lockdown.js'

/** The same as the rules take, not yet checked: some of it a provider sent. */
export interface TunnelFacts
  extends Pick<
    TunnelValues,
    'address4' | 'address6' | 'gateway4' | 'gateway6' | 'dns' | 'allowLan' | 'guests'
  > {
  readonly interface: string
  readonly fwmark: number
  readonly endpoint:
    | { readonly address: string; readonly tcpPort: number; readonly udpPort: number | undefined }
    | undefined
  readonly limit: Bytes | undefined
}

/** The text that loads the rules of a tunnel in one step. @throws TypeError for a value that could write a rule of its own. */
export const tunnelTable = (facts: TunnelFacts): string =>
  replaceTable(
    'inet',
    killSwitchTable,
    tunnelRuleset({
      interface: nftInterface(facts.interface),
      fwmark: nftMark(facts.fwmark),
      endpoint: facts.endpoint && {
        ...checkedPort(facts.endpoint),
        udpPort: facts.endpoint.udpPort === undefined ? undefined : nftPort(facts.endpoint.udpPort),
      },
      address4: nftAddress(facts.address4),
      address6: nftAddress(facts.address6),
      gateway4: nftAddress(facts.gateway4),
      gateway6: nftAddress(facts.gateway6),
      dns: facts.dns.map(nftAddress),
      limit: facts.limit === undefined ? undefined : nftBytes(facts.limit),
      allowLan: facts.allowLan,
      guests: facts.guests,
    }),
  )

/** Loads the rules of a tunnel, and lets it through a lockdown. */
export const loadTunnelRules = (facts: TunnelFacts, where: NftOptions): Promise<void> =>
  applyRuleset(
    tunnelTable(facts) +
      lockdownAround(where, {
        tunnel: { interface: nftInterface(facts.interface), fwmark: nftMark(facts.fwmark) },
        ...facts,
      }),
    where,
  )

/** What a lockdown, if there is one, is to be at the same moment. A namespace of programs knows of none. */
const lockdownAround = (where: NftOptions, options: Parameters<typeof lockdownText>[0]): string =>
  where.netns === undefined && isLockedDown() ? lockdownText(options) : ''

/** Names the bridges there are now. */
export const loadGuests = (guests: readonly string[]): Promise<void> =>
  applyRuleset(
    [guestCommands(guests), ...(isLockedDown() ? [guestCommands(guests, lockdownTable)] : [])].join('\n'),
  )

/** Where the provider that is asked takes payments. */
export interface Asked {
  /** Whether the addresses of its host are being asked for. */
  readonly lookUp?: boolean
  readonly addresses: readonly string[]
  readonly tcpPort: number
}

/** Loads the rules without a tunnel, as the policy has them. */
export const loadShutRules = (
  policy: Policy,
  options: { asked: Asked | undefined; allowLan: boolean; guests: readonly string[] },
  where: NftOptions,
): Promise<void> => {
  const { addresses = [], tcpPort = 0 } = options.asked ?? {}
  const asked = addresses.map((address) => checkedPort({ address, tcpPort }))
  return applyRuleset(
    replaceTable(
      'inet',
      killSwitchTable,
      shutRuleset(policy, { ...options, asked, lookUp: options.asked?.lookUp ?? false }),
    ) + lockdownAround(where, options),
    where,
  )
}

/**
 * The rules as they stand, without what changes while they stand: counts, limits, and the chain that halts.
 *
 * @returns '' where there are none.
 */
export async function printRules(where: NftOptions): Promise<string> {
  const around = where.netns === undefined && isLockedDown() ? await printTable(lockdownTable, where) : ''
  return (await printTable(killSwitchTable, where)) + around
}

async function printTable(name: string, where: NftOptions): Promise<string> {
  const table = await listTable('inet', name, where)
  if (table === undefined) return ''
  if (isAsleep(table.objects, 'inet', killSwitchTable)) return 'asleep'
  const lines = (table.objects as readonly NftObject[]).flatMap(({ counter, quota, set, chain, rule }) => {
    const named = counter ?? quota ?? set
    if (named !== undefined) return [named.name]
    if (chain !== undefined) return [JSON.stringify({ ...chain, handle: 0 })]
    if (rule === undefined || rule.chain === objectNames.halted) return []
    return [JSON.stringify([rule.chain, rule.expr])]
  })
  return lines.join('\n')
}

/** One object as nft prints it. */
interface NftObject {
  readonly counter?: { readonly name: string }
  readonly quota?: { readonly name: string }
  readonly set?: { readonly name: string }
  readonly chain?: { readonly name: string }
  readonly rule?: { readonly chain: string; readonly expr: unknown }
}

const checkedPort = ({ address, tcpPort }: { address: string; tcpPort: number }): PaymentPort => ({
  family: nftAddressWord(address),
  address: nftAddress(address),
  tcpPort: nftPort(tcpPort),
})
