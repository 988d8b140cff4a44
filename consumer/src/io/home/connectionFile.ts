import { readFileSync, readlinkSync } from 'node:fs'
import { lchown, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Address, Hex } from '@pontage/shared'
import { UserError, writeFileDurably } from '@pontage/shared/node'
import { type DnsChange, resolverFile } from '../kernel/dns.js'
import type { Gateway } from '../kernel/gateway.js'
import { recordFolder } from './ownership.js'

/** What a connection changed on this machine, so that it can be undone whatever happened since. */
export interface ConnectionRecord {
  /** What the machine's rules say: a tunnel may be used, or nothing may leave. `blocked` while one is looked for, too. */
  readonly state: 'connected' | 'blocked'
  /** The process that keeps the session, and what tells it from a later one of the same number. */
  readonly process: { readonly pid: number; readonly startedAt: string; readonly boot: string }
  /** The network namespace that was changed. */
  readonly namespace: string
  readonly provider: Address
  readonly channelId: Hex
  /** How amounts are shown without asking the chain; records of older versions lack it. */
  readonly token?: { readonly tokenSymbol: string; readonly tokenDecimals: number }
  /** What the journal counts the session as. */
  readonly session: string
  readonly interface: string
  /** Routing table of the tunnel, and the mark of WireGuard's own packets. */
  readonly table: number
  readonly endpoint: { readonly address: string; readonly tcpPort: number }
  readonly gateway4: string
  readonly gateway6: string
  readonly ipv6: boolean
  /** The kernel setting as it was before it was changed. */
  readonly srcValidMark: string
  /** Whether the local network may be talked to. */
  readonly allowLan: boolean
  /** How names are asked for inside the tunnel; left out where nothing was changed. */
  readonly dns?: DnsChange
  /** Whom this machine is a gateway for; left out: nobody. */
  readonly gateway?: Gateway
  /** The namespace of programs that the tunnel is for, and whether we made it; left out: the whole machine. */
  readonly netns?: { readonly name: string; readonly isOurs: boolean }
  /** Whether all of it lies in namespaces that end with the process; left out: no. */
  readonly rootless?: boolean
}

/** Names of namespaces that are taken: none leads out of the folder where the system keeps them. */
export const namespaceName = /^\w[\w.-]{0,63}$/

/** Root acts upon it: it lies where only root may write. */
export const connectionPath = async (home: string): Promise<string> =>
  join(await recordFolder(home), 'connection.json')

/** The owner of the home may read it, and change nothing. */
const readableByGroup = 0o640

/** Writes it down, durably: before anything is changed. @throws UserError when the disk refuses. */
export async function writeConnection(home: string, record: ConnectionRecord): Promise<void> {
  const path = await connectionPath(home)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    await writeFileDurably(path, `${JSON.stringify(record, undefined, 2)}\n`, readableByGroup)
  } catch (cause) {
    throw new UserError(
      `${path} cannot be written: ${(cause as Error).message}. Mend that, then run "pontage disconnect".`,
      { cause },
    )
  }
  if (process.getuid?.() === 0) await lchown(path, 0, (await stat(home)).gid)
}

/** Undefined when nothing is connected and nothing is left over: without root, everything goes with the process. */
export async function readConnection(home: string): Promise<ConnectionRecord | undefined> {
  const path = await connectionPath(home)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new UserError(`${path} cannot be read: ${error.message}.`, { cause: error })
  })
  if (text === undefined) return undefined
  try {
    const record = checked(JSON.parse(text) as ConnectionRecord)
    return record.rootless && !isRunning(record) ? undefined : record
  } catch (cause) {
    throw new UserError(
      `${path} is damaged. Remove the kill switch with "nft delete table inet pontage_consumer", then remove the file.`,
      { cause },
    )
  }
}

/** The fields that undoing needs; the file is our own, but a disk may be full or a hand may slip. */
function checked(record: ConnectionRecord): ConnectionRecord {
  const texts = [
    record.interface,
    record.endpoint.address,
    record.gateway4,
    record.gateway6,
    record.namespace,
  ]
  const numbers = [record.table, record.endpoint.tcpPort, record.process.pid]
  if (!texts.every((text) => typeof text === 'string') || !numbers.every(Number.isInteger))
    throw new Error('a field is missing')
  const { dns, netns } = record
  if (dns?.way === 'file' && dns.path !== resolverFile) throw new Error('it names another file')
  if (netns !== undefined && !namespaceName.test(netns.name)) throw new Error('it names no namespace')
  return record
}

export const forgetConnection = async (home: string): Promise<void> =>
  rm(await connectionPath(home), { force: true })

/** This process, as a record names it. */
export function thisProcess(): ConnectionRecord['process'] {
  // By the number that others know it by: where nobody is root, ours is another.
  const pid = Number(readlinkSync('/proc/self'))
  return { pid, startedAt: startOf(pid) ?? '', boot: bootId() }
}

/** Whether the process of a record still runs, and is not a later one with the same number. */
export const isRunning = (record: ConnectionRecord): boolean =>
  record.process.boot === bootId() && startOf(record.process.pid) === record.process.startedAt

/** Whether the machine was started anew since: its rules and routes are gone with the old one. */
export const isFromEarlierBoot = (record: ConnectionRecord): boolean => record.process.boot !== bootId()

/** The network namespace of this process. */
export const thisNamespace = (): string => readlinkSync('/proc/self/ns/net')

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** Clock ticks after boot at which a process began; undefined when there is none. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? undefined : rest[18]
  } catch {
    return undefined
  }
}
