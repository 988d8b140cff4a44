import type { Bytes } from '@pontage/shared'
import {
  applyRuleset,
  CommandFailed,
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
import { bypassMark } from '../../core/bypass.js'
import { guestCommands, guestSetName } from '../../core/forwarded.js'
import {
  bypassedMarks,
  killSwitchTable,
  objectNames,
  type PaymentPort,
  shutRuleset,
  type TunnelValues,
  tunnelRuleset,
} from '../../core/killSwitch.js'
import { lockdownTable } from '../../core/lockdown.js'
import type { Policy } from '../../core/policy.js'
import { rulesIn } from '../../core/ruleWords.js'
import { bypassCommands } from './bypass.js'
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
  load(
    facts.guests,
    tunnelTable(facts) +
      (where.netns === undefined && !isLockedDown() ? bypassCommands() : '') +
      lockdownAround(where, {
        tunnel: { interface: nftInterface(facts.interface), fwmark: nftMark(facts.fwmark) },
        ...facts,
      }),
    where,
  )

/** What was loaded last: how many rules there are, and the bridges that are named. */
let loaded: { readonly rules: number; readonly guests: string } = { rules: 0, guests: '' }
const namesOf = (guests: readonly string[]): string => [...guests].sort().join(' ')

async function load(guests: readonly string[], text: string, where: NftOptions): Promise<void> {
  await applyRuleset(text, where)
  loaded = { rules: rulesIn(text), guests: namesOf(guests) }
}

/** What a lockdown, if there is one, is to be at the same moment. A namespace of programs knows of none. */
const lockdownAround = (where: NftOptions, options: Parameters<typeof lockdownText>[0]): string =>
  where.netns === undefined && isLockedDown() ? lockdownText(options) : ''

/** Names the bridges there are now. Where the table was flushed meanwhile, whoever loads it anew names them. */
export async function loadGuests(guests: readonly string[]): Promise<void> {
  const tables = [killSwitchTable, ...(isLockedDown() ? [lockdownTable] : [])]
  try {
    await applyRuleset(tables.map((table) => guestCommands(guests, table)).join('\n'))
    loaded = { ...loaded, guests: namesOf(guests) }
  } catch (error) {
    if (!(error instanceof CommandFailed && /no such file/i.test(error.stderr))) throw error
  }
}

/** The bridges that the kill switch names, as words of nft, sorted. @throws Error where it does not stand. */
export async function namedGuests(): Promise<readonly string[]> {
  const table = await listTable('inet', killSwitchTable)
  if (table === undefined) throw new Error('There is no kill switch that could name a bridge.')
  const sets = (table.objects as readonly NftObject[]).flatMap(({ set }) => set ?? [])
  return (sets.find(({ name }) => name === guestSetName)?.elem ?? []).map(String).map(nftInterface).sort()
}

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
  return load(
    options.guests,
    replaceTable(
      'inet',
      killSwitchTable,
      shutRuleset(policy, { ...options, asked, lookUp: options.asked?.lookUp ?? false }),
    ) + lockdownAround(where, options),
    where,
  )
}

/**
 * The rules as they stand, without what changes while they stand: counts, limits, the chain that halts, and what is named in the
 * sets by ourselves.
 *
 * @returns '' where there are none, none that judge, or not as many as were loaded.
 */
export async function printRules(where: NftOptions): Promise<string> {
  const own = await printTable(killSwitchTable, where)
  const around =
    where.netns === undefined && isLockedDown() ? await printTable(lockdownTable, where) : undefined
  if (own.rules === 0 || own.rules + (around?.rules ?? 0) !== loaded.rules) return ''
  return own.text + (around?.text ?? '')
}

async function printTable(name: string, where: NftOptions): Promise<{ rules: number; text: string }> {
  const table = await listTable('inet', name, where)
  if (table === undefined || isAsleep(table.objects, 'inet', name)) return { rules: 0, text: '' }
  let rules = 0
  const lines = (table.objects as readonly NftObject[]).flatMap(({ counter, quota, set, chain, rule }) => {
    const named = counter ?? quota
    if (named !== undefined) return [named.name]
    if (set !== undefined) return [set.name, ...strangersIn(set)]
    if (chain !== undefined) return [JSON.stringify({ ...chain, handle: 0 })]
    if (rule === undefined || rule.chain === objectNames.halted) return []
    rules++
    return [JSON.stringify([rule.chain, rule.expr])]
  })
  return { rules, text: lines.join('\n') }
}

/** What is in a set and was not put there by ourselves: others might have themselves let out so. */
function strangersIn({ name, elem = [] }: NftSet): string[] {
  if (name === guestSetName && namesOf(elem.map((each) => `"${each}"`)) === loaded.guests) return []
  // A program beside the tunnel may begin or end at any moment.
  if (name === bypassedMarks && elem.every((each) => Number(each) === Number(bypassMark))) return []
  return elem.map((each) => JSON.stringify(each))
}

/** One object as nft prints it. */
interface NftObject {
  readonly counter?: { readonly name: string }
  readonly quota?: { readonly name: string }
  readonly set?: NftSet
  readonly chain?: { readonly name: string }
  readonly rule?: { readonly chain: string; readonly expr: unknown }
}

interface NftSet {
  readonly name: string
  readonly elem?: readonly (string | number)[]
}

const checkedPort = ({ address, tcpPort }: { address: string; tcpPort: number }): PaymentPort => ({
  family: nftAddressWord(address),
  address: nftAddress(address),
  tcpPort: nftPort(tcpPort),
})
