import { isDeepStrictEqual } from 'node:util'
import {
  applyRuleset,
  deleteTable,
  listTable,
  type NftChange,
  type NftCounter,
  NftSocket,
  nftAddress,
  nftAddressWord,
  nftCommand,
  nftInterface,
  nftName,
  nftPort,
  nftRange,
  openNftReader,
  printParts,
  replaceTable,
} from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { BandwidthLimits } from '../../core/bandwidth.js'
import type { ExitPolicy } from '../../core/exitPolicy.js'
import type { Reading } from '../../core/meter.js'
import { constantParts, probeCounters, type RulesetValues, ruleset } from '../../core/ruleset.js'
import { admit, dismiss, hold, pass, setLimit } from '../../core/sessionRules.js'
import type { Passage, Probed } from '../../core/way.js'
import { type ProbeTarget, probeLine, sendProbe } from './probe.js'
import { countSessions, readingsIn } from './sessionCounts.js'
import { createShaper } from './shaper.js'
import { watchTable } from './tableWatch.js'

/** What the rules of one provider depend on. */
export interface FirewallPlan extends Surroundings {
  readonly table: string
  readonly tunnel: string
  readonly gateway: TunnelAddresses
  readonly subnet4: string
  readonly subnet6: string
  readonly paymentPort: number
  readonly wireguardPort: number
  readonly policy: ExitPolicy
}

/** What of it is the machine's, and changes while we run. */
export interface Surroundings extends OthersForward {
  readonly uplink: string
  readonly resolver4: string | undefined
  readonly resolver6: string | undefined
  readonly ownNetworks6: readonly string[]
  /** Addresses under which the machine or its router is known outside. */
  readonly outer: readonly string[]
}

/** Whether this machine forwards for somebody else, too. */
export interface OthersForward {
  readonly othersForward4: boolean
  readonly othersForward6: boolean
}

/** A session as the rules have to know it. */
export interface Admitted {
  readonly key: number
  readonly addresses: TunnelAddresses
  readonly limit: bigint
  readonly passing: boolean
}

/** A change to one session's rules. */
export type FirewallChange = { readonly key: number } & (
  | { readonly type: 'limit'; readonly bytes: bigint }
  | { readonly type: 'pass'; readonly addresses: TunnelAddresses }
  | { readonly type: 'hold'; readonly addresses: TunnelAddresses }
)

/** The provider's rules in the kernel. */
export interface Firewall {
  /** Lets a session in, with this many bytes at first. */
  admit(key: number, addresses: TunnelAddresses, limit: bigint): Promise<void>
  /** Forgets a session; its last reading must have been taken. */
  dismiss(key: number, addresses: TunnelAddresses, passing: boolean): Promise<void>
  /** All of them at once, or on an error none. */
  apply(changes: readonly FirewallChange[]): Promise<void>
  /**
   * What the kernel has counted, by key.
   *
   * @param last - Sessions that are read for the last time: of others, what a list leaves out while the kernel rearranges it is found
   * at the next reading.
   */
  read(last?: readonly number[]): Promise<ReadonlyMap<number, Reading>>
  /**
   * Sends packets through as a consumer would, and says what became of them.
   * @returns Why it could not be tried, or what was counted.
   */
  probe(targets: readonly ProbeTarget[], signal?: AbortSignal): Promise<string | Probed>
  /** Whether the kernel has all rules as they were written: another program may have flushed, removed or added some. */
  isWhole(): Promise<boolean>
  /** Takes note of what the next `rebuild` has to heed. @returns whether it differs from what the rules heed now. */
  follow(around: Surroundings): boolean
  /** Writes all rules anew, in one step, with these sessions and nothing counted. */
  rebuild(sessions: readonly Admitted[]): Promise<void>
  /** How fast consumers may be; changed at once for all of them. */
  limits(): BandwidthLimits
  limit(limits: BandwidthLimits): Promise<void>
  /** Stops reading; the rules stay. */
  close(): void
}

/**
 * Replaces the provider's table, whatever was in it, by one without sessions.
 *
 * @param open - Opens the table for what is done all the time; where it cannot be, commands do it.
 */
export async function raiseFirewall(
  plan: FirewallPlan,
  open: (table: { family: 'inet'; table: string }) => NftSocket | undefined = NftSocket.open,
): Promise<Firewall> {
  const place = { family: 'inet', table: nftName(plan.table) } as const
  const { table } = place
  // A session has rows in many maps.
  const reader = openNftReader({ isTerse: true })
  const shaper = createShaper(plan.tunnel, table, reader)
  const socket = open(place)
  const apply = async (changes: readonly NftChange[]): Promise<void> =>
    socket ? socket.apply(changes) : reader.apply(changes.map((change) => nftCommand(place, change)))
  const close = () => {
    socket?.close()
    reader.close()
  }
  const admission = ({ key, addresses, limit, passing }: Admitted): NftChange[] => {
    const session = { key, ...addresses }
    return [...admit(session, limit), ...(passing ? [] : hold(session))]
  }
  let heeded = plan
  /** How often the rules were written: each time all counters begin anew. */
  let writes = 0
  let counts = socket && countSessions(socket)
  let parts = constantParts('')
  /** What was asked for last, and how the kernel tells it. */
  let written = { body: '', told: '' }
  const print = () => printParts(place, parts)
  const write = async (sessions: readonly Admitted[]) => {
    const body = ruleset(checked(heeded))
    writes += 1
    const rows = sessions.flatMap(admission).map((change) => nftCommand(place, change))
    await applyRuleset([replaceTable('inet', table, body), ...rows].join('\n'))
    counts = socket && countSessions(socket)
    for (const { key, addresses } of sessions) counts?.admit(key, addresses)
    parts = constantParts(body)
    // Read once for what is the same: a change between loading and reading would pass for ours.
    if (body !== written.body) written = { body, told: await print() }
  }
  await write([]).catch((error) => {
    close()
    throw error
  })
  const watch = watchTable(table, parts.sets, apply)
  /** The rules were as written when they were read, at so many changes of the table, and of any rules. */
  let wholeAt: { changes: number | undefined; foreign: number | undefined } | undefined
  return {
    async admit(key, addresses, limit) {
      await shaper.admit(addresses)
      await apply(admission({ key, addresses, limit, passing: true }))
      counts?.admit(key, addresses)
    },
    async dismiss(key, addresses, passing) {
      counts?.dismiss(key, addresses)
      await apply(dismiss({ key, ...addresses }, passing)).finally(() => shaper.dismiss(addresses))
    },
    apply: (changes) =>
      apply(
        changes.flatMap((change) => {
          if (change.type === 'limit') return [setLimit(change.key, change.bytes)]
          return (change.type === 'pass' ? pass : hold)(change.addresses)
        }),
      ),
    limits: () => shaper.limits,
    limit: (limits) => shaper.change(limits),
    read: async (last) => counts?.read(last) ?? readingsIn(await reader.readCounters('inet', table)),
    async probe(targets, signal) {
      const read = async () =>
        socket ? named(probeNames, socket.counters(probeNames)) : reader.readCounters('inet', table)
      for (let tried = 0; tried < mostProbes; tried++) {
        const begun = writes
        const before = await read()
        const problem = await sendProbe(probeLine(plan.tunnel), targets, signal)
        if (problem !== undefined) return problem
        const after = await read()
        if (begun === writes) return { four: passage(4, before, after), six: passage(6, before, after) }
      }
      return 'The rules were written anew each time.'
    },
    async isWhole() {
      const foreign = socket?.foreignChanges()
      if (foreign !== undefined && foreign === wholeAt?.foreign) return true
      const changes = await watch.changes()
      const isKnown = changes !== undefined && changes === wholeAt?.changes
      const isWhole = isKnown || (await print()) === written.told
      wholeAt = isWhole ? { changes, foreign } : undefined
      return isWhole
    },
    follow(around) {
      const before = heeded
      heeded = { ...plan, ...around }
      return !isDeepStrictEqual(heeded, before)
    },
    async rebuild(sessions) {
      await write(sessions)
      await shaper.rename()
    },
    close() {
      watch.close()
      close()
    },
  }
}

/** Rules that are written anew meanwhile make a probe void: it is sent again. */
const mostProbes = 4

const probeNames = [probeCounters(4), probeCounters(6)].flatMap(Object.values<string>)
const named = (names: readonly string[], counters: readonly NftCounter[]): Counters =>
  new Map(counters.map((counter, index) => [names[index] ?? '', counter]))

type Counters = ReadonlyMap<string, NftCounter>

function passage(family: 4 | 6, before: Counters, after: Counters): Passage {
  const names = probeCounters(family)
  const moved = (name: string) => (after.get(name)?.packets ?? 0n) > (before.get(name)?.packets ?? 0n)
  return { out: moved(names.out), back: moved(names.back), in: moved(names.in) }
}

/** Every value put into words that can stand in a rule. */
const checked = (plan: FirewallPlan): RulesetValues => ({
  ...plan,
  tunnel: nftInterface(plan.tunnel),
  probe: nftInterface(probeLine(plan.tunnel).device),
  probe4: nftAddress(probeLine(plan.tunnel).far4),
  probe6: nftAddress(probeLine(plan.tunnel).far6),
  uplink: nftInterface(plan.uplink),
  gateway4: nftAddress(plan.gateway.address4),
  gateway6: nftAddress(plan.gateway.address6),
  subnet4: nftRange(plan.subnet4),
  subnet6: nftRange(plan.subnet6),
  paymentPort: nftPort(plan.paymentPort),
  wireguardPort: nftPort(plan.wireguardPort),
  resolver4: plan.resolver4 === undefined ? undefined : nftAddress(plan.resolver4),
  resolver6: plan.resolver6 === undefined ? undefined : nftAddress(plan.resolver6),
  ownNetworks6: plan.ownNetworks6.map(nftRange),
  outer4: plan.outer.map(nftAddress).filter((address) => nftAddressWord(address) === 'ip'),
  outer6: plan.outer.map(nftAddress).filter((address) => nftAddressWord(address) === 'ip6'),
})

/** What a table left by a crash had counted, by session key; empty when it is gone. */
export async function readLeftTable(table: string): Promise<ReadonlyMap<number, Reading>> {
  const left = await listTable('inet', nftName(table))
  return left === undefined ? new Map() : readingsIn(left.counters)
}

/** Takes the rules away. */
export const dropFirewall = (table: string): Promise<void> => deleteTable('inet', nftName(table))
