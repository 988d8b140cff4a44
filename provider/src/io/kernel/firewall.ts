import { type Bytes, bytes } from '@pontage/shared'
import {
  applyRuleset,
  deleteTable,
  listTable,
  type NftTable,
  nftAddress,
  nftBytes,
  nftInterface,
  nftName,
  nftPort,
  nftRange,
  openNftReader,
  replaceTable,
} from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { BandwidthLimits } from '../../core/bandwidth.js'
import type { ExitPolicy } from '../../core/exitPolicy.js'
import type { Reading } from '../../core/meter.js'
import { admit, dismiss, hold, pass, ruleset, sessionObjects, setLimit } from '../../core/ruleset.js'
import { createShaper } from './shaper.js'

/** What the rules of one provider depend on. */
export interface FirewallPlan {
  readonly table: string
  readonly tunnel: string
  readonly uplink: string
  readonly gateway: TunnelAddresses
  readonly subnet4: string
  readonly subnet6: string
  readonly paymentPort: number
  readonly wireguardPort: number
  readonly resolver4: string | undefined
  readonly resolver6: string | undefined
  readonly ownNetworks6: readonly string[]
  readonly policy: ExitPolicy
  readonly forwardsAlready4: boolean
  readonly forwardsAlready6: boolean
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
  /** What the kernel has counted, by key. */
  read(): Promise<ReadonlyMap<number, Reading>>
  /** How fast consumers may be; changed at once for all of them. */
  limits(): BandwidthLimits
  limit(limits: BandwidthLimits): Promise<void>
  /** Stops reading; the rules stay. */
  close(): void
}

/** Replaces the provider's table, whatever was in it, by one without sessions. */
export async function raiseFirewall(plan: FirewallPlan): Promise<Firewall> {
  const table = nftName(plan.table)
  const body = ruleset({
    tunnel: nftInterface(plan.tunnel),
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
    policy: plan.policy,
    forwardsAlready4: plan.forwardsAlready4,
    forwardsAlready6: plan.forwardsAlready6,
  })
  await applyRuleset(replaceTable('inet', table, body))
  const reader = openNftReader()
  const shaper = createShaper(plan.tunnel, table, reader)
  const rules = (key: number, { address4, address6 }: TunnelAddresses) => ({
    key,
    address4: nftAddress(address4),
    address6: nftAddress(address6),
  })
  return {
    async admit(key, addresses, limit) {
      await shaper.admit(addresses)
      await reader.apply(admit(table, rules(key, addresses), nftBytes(limit)))
    },
    async dismiss(key, addresses, passing) {
      await reader.apply(dismiss(table, rules(key, addresses), passing))
      await shaper.dismiss(addresses)
    },
    apply: (changes) =>
      reader.apply(
        changes.flatMap((change) => {
          if (change.type === 'limit') return [setLimit(table, change.key, nftBytes(change.bytes))]
          return (change.type === 'pass' ? pass : hold)(table, rules(change.key, change.addresses))
        }),
      ),
    limits: () => shaper.limits,
    limit: (limits) => shaper.change(limits),
    read: async () => readings(await reader.readCounters('inet', table)),
    close: () => reader.close(),
  }
}

/** What a table left by a crash had counted, by session key; empty when it is gone. */
export async function readLeftTable(table: string): Promise<ReadonlyMap<number, Reading>> {
  const left = await listTable('inet', nftName(table))
  return left === undefined ? new Map() : readings(left.counters)
}

/** Takes the rules away. */
export const dropFirewall = (table: string): Promise<void> => deleteTable('inet', nftName(table))

function readings(counters: NftTable['counters']): ReadonlyMap<number, Reading> {
  const found = new Map<number, Reading>()
  const count = (name: string): Bytes => bytes(counters.get(name)?.bytes ?? 0n)
  const packets = (name: string): bigint => counters.get(name)?.packets ?? 0n
  for (const name of counters.keys()) {
    const key = Number(/^down_(\d+)$/.exec(name)?.[1])
    if (!Number.isSafeInteger(key)) continue
    const names = sessionObjects(key)
    found.set(key, {
      downBytes: count(names.down),
      upBytes: count(names.up),
      downPackets: packets(names.down),
      upPackets: packets(names.up),
      dropped: count(names.dropped),
    })
  }
  return found
}
