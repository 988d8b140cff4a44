import { linkExists, listTable } from '@pontage/shared/node'
import {
  type ConnectionRecord,
  isFromEarlierBoot,
  isRunning,
  readConnection,
  thisNamespace,
} from '../io/connectionFile.js'
import { readJournal } from '../io/journal.js'
import { killSwitchTable, parts } from '../io/killSwitch.js'

/** How things stand on this machine; read without the chain, and without a password. */
export interface Status {
  /** `crashed`: the program was killed while connected; the kill switch holds. */
  readonly state: 'disconnected' | 'connected' | 'blocked' | 'crashed'
  readonly killSwitch: boolean
  readonly provider: string | null
  readonly interface: string | null
  readonly downBytes: number | null
  readonly upBytes: number | null
  /** Total signed for this provider on this channel, decimal. */
  readonly promised: string | null
  readonly stoppedPackets: number | null
  /** Channels that are being left alone, and when the rest can be taken (Unix seconds). */
  readonly exits: readonly { readonly channelId: string; readonly exitAt: number }[]
}

export async function status(home: string): Promise<Status> {
  const found = await readConnection(home)
  const record = found !== undefined && !isFromEarlierBoot(found) ? found : undefined
  // Only root may read the firewall; the record says what was loaded.
  const table = record && (await listTable('inet', killSwitchTable).catch(() => undefined))
  const counter = (name: string) => {
    const found = table?.counters.get(name)
    return found === undefined ? null : Number(name === parts.stopped ? found.packets : found.bytes)
  }
  const trail = await readJournal(home)
  return {
    state: record ? await stateOf(record) : 'disconnected',
    killSwitch: record !== undefined,
    provider: record?.provider ?? null,
    interface: record?.state === 'connected' ? record.interface : null,
    downBytes: counter(parts.down),
    upBytes: counter(parts.up),
    promised: record ? trail.total(record.channelId, record.provider).toString() : null,
    stoppedPackets: counter(parts.stopped),
    exits: trail
      .exits()
      .filter(({ stage }) => stage === 'begun')
      .map(({ channelId, at }) => ({ channelId, exitAt: at })),
  }
}

async function stateOf(record: ConnectionRecord): Promise<Status['state']> {
  if (record.state === 'blocked') return 'blocked'
  if (!isRunning(record)) return 'crashed'
  return record.namespace !== thisNamespace() || (await linkExists(record.interface))
    ? 'connected'
    : 'blocked'
}
