import {
  deleteWireguard,
  familyOf,
  forgetUse,
  forwards4,
  notesFolder,
  readOtherUses,
  restoreSettings,
} from '@pontage/shared/node'
import type { JudgingChain } from '../../core/way.js'
import { dropFirewall } from './firewall.js'
import { readStrangers, type Strangers } from './foreignChains.js'
import { type MachineRecord, readBootId, readMachineRecord, removeMachineRecord } from './machineRecord.js'
import { removeProbe } from './probe.js'

/** What came of undoing. */
export interface Undone {
  /** Whether there was anything. */
  readonly undone: boolean
  /** Sentences about what could not be undone, each with how it is done by hand. */
  readonly left: readonly string[]
}

/** Undoes what a run has changed. Every step is tried, whatever became of the others. */
export async function undo(home: string): Promise<Undone> {
  const record = await readMachineRecord(home)
  if (record === undefined) return { undone: false, left: [] }
  const { tunnel, table } = record
  const left: string[] = []
  const attempt = (byHand: string, step: () => Promise<unknown>) =>
    step().catch((error: Error) => void left.push(`${error.message} By hand: ${byHand}`))
  if (record.bootId === (await readBootId())) {
    await attempt(`rm ${notesFolder}/*${table}`, () => forgetUse(table))
    // The way through is closed before the rules that guard it go.
    left.push(...(await restoreForwarding(record)))
    await attempt(`ip link delete ${tunnel.name}`, () => deleteWireguard(tunnel))
    await attempt(`ip link delete ${tunnel.name}p`, () => removeProbe(tunnel.name))
    await attempt(`nft delete table inet ${table}`, () => dropFirewall(table))
  }
  // What is left can be tried again.
  if (left.length === 0) await removeMachineRecord(home)
  return { undone: true, left }
}

/** Forwarding that somebody else needs by now stays on. @returns what could not be put back. */
async function restoreForwarding(record: MachineRecord): Promise<string[]> {
  const { table, tunnel, settings, chainsBefore } = record
  const strangers = await readStrangers().catch((): Strangers => ({ tables: [], chains: [] }))
  const uses = await readOtherUses(table, strangers.tables).catch(() => ({}))
  const others4 = await forwards4()
  const others6 = newForwarders6(strangers.chains, chainsBefore).length > 0
  const isNeeded = (name: string) =>
    // Those of the tunnel go with it.
    name.includes(`/${tunnel.name}/`) || name in uses || (familyOf(name) === 4 ? others4 : others6)
  return restoreSettings(settings, isNeeded)
}

/** Chains of others that judge forwarded IPv6 and were not there before: somebody else came to rely on it. */
export const newForwarders6 = (
  chains: readonly JudgingChain[],
  before: readonly string[],
): readonly JudgingChain[] => chains.filter(({ name, family }) => family !== 'ip' && !before.includes(name))
