import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { KernelSettings } from '@pontage/shared/node'
import { UserError, writeFileDurably } from '@pontage/shared/node'

/** What we changed on the machine: written before each change, so that a crash can be undone. */
export interface MachineRecord {
  /** Identity of the machine's present run: after a restart there is nothing left to undo. */
  readonly bootId: string
  readonly tunnel: { readonly name: string; readonly kind: 'kernel' | 'userspace' }
  readonly table: string
  readonly settings: KernelSettings
  /** Chains of others that judged what is forwarded before we came. */
  readonly chainsBefore: readonly string[]
}

const pathIn = (home: string): string => join(home, 'machine.json')

export const writeMachineRecord = (home: string, record: MachineRecord): Promise<void> =>
  writeFileDurably(pathIn(home), `${JSON.stringify(record, undefined, 2)}\n`)

/** @throws UserError when the file is damaged. */
export async function readMachineRecord(home: string): Promise<MachineRecord | undefined> {
  const text = await readFile(pathIn(home), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return checked(JSON.parse(text))
  } catch (cause) {
    throw new UserError(
      `${pathIn(home)} is damaged, so what has to be undone is unknown. Restart the machine, then remove the file.`,
      { cause },
    )
  }
}

export const removeMachineRecord = (home: string): Promise<void> => rm(pathIn(home), { force: true })

export const readBootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()

function checked(record: MachineRecord): MachineRecord {
  const { bootId, tunnel, table, settings, chainsBefore = [] } = record
  const texts = [bootId, tunnel.name, table, ...Object.values(settings), ...chainsBefore]
  if (texts.some((text) => typeof text !== 'string') || !['kernel', 'userspace'].includes(tunnel.kind))
    throw new Error('A field is missing.')
  return { ...record, chainsBefore }
}
