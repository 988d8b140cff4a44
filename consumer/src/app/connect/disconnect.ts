import { setTimeout as delay } from 'node:timers/promises'
import { bytes, systemClock } from '@pontage/shared'
import { askControl, deleteTable, listTable, UserError, withClosers } from '@pontage/shared/node'
import { killSwitchTable, objectNames } from '../../core/killSwitch.js'
import { createCalendar } from '../../io/calendar.js'
import {
  type ConnectionRecord,
  forgetConnection,
  isFromEarlierBoot,
  isRunning,
  readConnection,
  thisNamespace,
} from '../../io/home/connectionFile.js'
import { openJournal } from '../../io/home/journal.js'
import { lockHome, lockNetwork } from '../../io/home/lock.js'
import { isHeldHere, workIn } from '../../io/home/workingHome.js'
import { restoreDns } from '../../io/kernel/dns.js'
import { restoreMachine } from '../../io/kernel/restore.js'
import { recordUsage } from '../session/usage.js'

/** What there was to undo; `shut`: whatever there was, a lockdown stays that whoever asked may not lift. */
export type Disconnected = 'ended' | 'restored' | 'nothing' | 'shut'

/** What became of the connection, and whether its process stays. */
interface Answer {
  readonly result: Disconnected
  readonly goesOn?: true
}

/** How long a running session may take to pay its last promise and close its books. */
const endPatienceMs = 30_000

/**
 * Ends a running connection and makes the machine as it was before, also after a crash or a cap.
 *
 * @returns What there was to undo.
 * @throws UserError when the connection belongs to another network namespace, or does not end.
 */
export async function disconnect(home: string, control: string): Promise<Disconnected> {
  const before = await readConnection(home).catch(() => undefined)
  // Where it may be asked, no rights are needed: it has them.
  const answer = control === '' ? undefined : await askControl<Answer>(control, { type: 'disconnect' })
  if (answer !== undefined) {
    // A service goes on.
    if (before && answer.goesOn !== true) await gone(before)
    return answer.result
  }
  const found = await readConnection(home)
  if (found?.rootless && found.namespace !== thisNamespace()) {
    // What is to be undone ends with it.
    process.kill(found.process.pid, 'SIGTERM')
    await gone(found)
    return 'ended'
  }
  if (process.getuid?.() !== 0)
    throw new UserError(
      found === undefined
        ? 'There is no connection of yours. What another one left, only root can see and undo: use sudo.'
        : 'Only root can restore routes and firewall: use sudo.',
    )
  if (found === undefined) return 'nothing'
  if (isFromEarlierBoot(found)) {
    const lock = await lockNetwork(found.netns?.name)
    try {
      // The old boot's rules are gone, but the table may have been saved and loaded again.
      await deleteTable('inet', killSwitchTable)
      if (found.dns) await restoreDns(found.dns, found.interface)
      await forgetConnection(home)
      return 'restored'
    } finally {
      await lock.release()
    }
  }
  if (found.namespace !== thisNamespace())
    throw new UserError(
      'The connection is in another network namespace. Run disconnect there (ip netns exec NAME pontage disconnect).',
    )
  if (!isRunning(found)) return restore(home)
  process.kill(found.process.pid, 'SIGTERM')
  await gone(found)
  await restore(home)
  return 'ended'
}

/** Waits for the end of a connection's process. */
async function gone(record: ConnectionRecord): Promise<void> {
  const { pid } = record.process
  const giveUpAt = performance.now() + endPatienceMs
  while (isRunning(record)) {
    if (performance.now() > giveUpAt)
      throw new UserError(
        `The connection (process ${pid}) does not end. End it with "kill -9 ${pid}", then run disconnect again.`,
      )
    await delay(20)
  }
}

/**
 * A killed program wrote its usage a second ago at best; the kernel went on counting. A journal that cannot be
 * written keeps nobody from getting the network back.
 */
async function keepLastCount(
  home: string,
  { session, netns }: ConnectionRecord,
  isHeld: boolean,
): Promise<void> {
  try {
    const table = await listTable('inet', killSwitchTable, netns ? { netns: netns.name } : {})
    const flowed = [objectNames.down, objectNames.up].reduce(
      (sum, name) => sum + (table?.counters.get(name)?.bytes ?? 0n),
      0n,
    )
    const { journal, release } = isHeld ? await workIn(home) : await openAlone(home)
    await recordUsage({ calendar: createCalendar(systemClock) }, journal, session, bytes(flowed)).finally(
      release,
    )
  } catch (error) {
    process.emitWarning(`The last traffic could not be recorded: ${(error as Error).message}`)
  }
}

async function openAlone(home: string) {
  const journal = await openJournal(home)
  return { journal, release: () => journal.close() }
}

/** A running session restores by itself when asked; what it left, or a dead one left, is undone here. */
export async function restore(home: string): Promise<'restored' | 'nothing'> {
  return withClosers(async (closers) => {
    // A service that lends holds its home already.
    const isHeld = isHeldHere(home)
    if (!isHeld) {
      const own = await lockHome(home)
      closers.add('home', () => own.release())
    }
    const record = await readConnection(home)
    if (record === undefined) return 'nothing'
    const network = await lockNetwork(record.netns?.name)
    closers.add('network', () => network.release())
    if (record.state === 'connected') await keepLastCount(home, record, isHeld)
    await restoreMachine(home, record)
    return 'restored'
  })
}
