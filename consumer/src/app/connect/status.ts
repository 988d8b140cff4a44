import { askControl, linkExists, listTable } from '@pontage/shared/node'
import type { JournalState } from '../../core/journalState.js'
import { killSwitchTable, objectNames } from '../../core/killSwitch.js'
import {
  type ConnectionRecord,
  isFromEarlierBoot,
  isRunning,
  readConnection,
  thisNamespace,
} from '../../io/home/connectionFile.js'
import { readJournal } from '../../io/home/journal.js'
import { type Bypassed, bypassed } from '../../io/kernel/bypass.js'
import { differences } from '../../io/kernel/differences.js'
import { isLockedDown, lockdownStands } from '../../io/kernel/lockdown.js'
import type { Live } from './live.js'

/** How things stand on this machine; read without the chain, and without a password. */
export interface Status {
  /**
   * `blocked`: over, or no provider left, and the kill switch is on; `crashed`: the program was killed while
   * connected, and the kill switch holds.
   */
  readonly state: 'disconnected' | 'blocked' | 'crashed' | Live['state']
  /** As the kernel says; as the record says, where only root may ask the kernel. */
  readonly killSwitch: boolean
  /** `lifted`: on, but `disconnect` or something else took its rules away; where only root may ask the kernel, `on`. */
  readonly lockdown: 'off' | 'on' | 'lifted'
  /** What the record says and the kernel does not, each a sentence; null where only root may ask the kernel. */
  readonly problems: readonly string[] | null
  readonly provider: string | null
  readonly interface: string | null
  readonly downBytes: number | null
  readonly upBytes: number | null
  /** Total signed for this provider on this channel, decimal. */
  readonly promisedWei: string | null
  readonly token: NonNullable<ConnectionRecord['token']> | null
  readonly stoppedPackets: number | null
  /** Channels that are being left alone, and when the rest can be taken (Unix seconds). */
  readonly exits: readonly { readonly channelId: string; readonly exitAt: number }[]
  /** Whether the local network may be talked to; null where nothing is connected. */
  readonly allowLan: boolean | null
  /** Namespace of the programs that the tunnel is for; null where it is the whole machine's. */
  readonly netns: string | null
  /** Whether it was made without root, for one program and what that starts. */
  readonly rootless: boolean
  /** Programs that run beside the tunnel, each with the first of its processes. */
  readonly beside: readonly Bypassed[]
  /** Names of the devices that this machine is a gateway for. */
  readonly gateway: readonly string[]
  /** What only a running connection knows. */
  readonly live: Omit<Live, 'state'> | null
}

/** Asks the connection that runs, where it may be asked; else reads what is written down. */
export const askStatus = async (home: string, control: string): Promise<Status> =>
  (await askControl<Status>(control, { type: 'status' })) ?? status(home)

/** @param running - Given by the running connection itself, which has its journal in memory. */
export async function status(
  home: string,
  running?: { live: Live; isRising: boolean; trail: JournalState },
): Promise<Status> {
  const live = running?.live
  const found = await readConnection(home)
  const record = found !== undefined && !isFromEarlierBoot(found) ? found : undefined
  // Only root may read the firewall; the record says what was loaded.
  const where = record?.netns ? { netns: record.netns.name } : {}
  const table = record && (await listTable('inet', killSwitchTable, where).catch(() => undefined))
  const counter = (name: string) => {
    const found = table?.counters.get(name)
    return found === undefined ? null : Number(name === objectNames.stopped ? found.packets : found.bytes)
  }
  const trail = running?.trail ?? (await readJournal(home))
  const problems = record === undefined ? [] : await differences(record, running?.isRising)
  const isTableThere = problems === undefined || table !== undefined
  return {
    state: live ? stateNow(record, live) : record ? await stateOf(record) : 'disconnected',
    killSwitch: record !== undefined && record.netns === undefined && isTableThere,
    lockdown: await lockdownNow(),
    problems: problems ?? null,
    provider: record?.provider ?? null,
    interface: record?.state === 'connected' ? record.interface : null,
    downBytes: live?.downBytes ?? counter(objectNames.down),
    upBytes: live?.upBytes ?? counter(objectNames.up),
    promisedWei: record ? trail.total(record.channelId, record.provider).toString() : null,
    token: record?.token ?? null,
    stoppedPackets: counter(objectNames.stopped),
    exits: trail
      .exits()
      .filter(({ stage }) => stage === 'begun')
      .map(({ channelId, at }) => ({ channelId, exitAt: at })),
    allowLan: record?.allowLan ?? null,
    netns: record?.netns?.name ?? null,
    rootless: record?.rootless ?? false,
    beside: bypassed(),
    gateway: record?.gateway?.devices ?? [],
    live: live ? withoutState(live) : null,
  }
}

const lockdownNow = async (): Promise<Status['lockdown']> => {
  if (!isLockedDown()) return 'off'
  return (await lockdownStands().catch(() => true)) ? 'on' : 'lifted'
}

const withoutState = ({ state: _, ...rest }: Live): Omit<Live, 'state'> => rest

/** A connection that is over but still has its books to close is shut already. */
const stateNow = (record: ConnectionRecord | undefined, live: Live): Status['state'] =>
  record?.state === 'blocked' && live.state === 'connected' ? 'blocked' : live.state

async function stateOf(record: ConnectionRecord): Promise<Status['state']> {
  if (record.state === 'blocked') return isRunning(record) ? 'reconnecting' : 'blocked'
  if (!isRunning(record)) return 'crashed'
  const isElsewhere = record.namespace !== thisNamespace() || record.netns !== undefined
  return isElsewhere || (await linkExists(record.interface)) ? 'connected' : 'blocked'
}
