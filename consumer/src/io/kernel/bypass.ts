import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { printable } from '@pontage/shared'
import { applyIp, applyRuleset, CommandFailed, deleteTable, listTable, UserError } from '@pontage/shared/node'
import { bypassEnds, bypassMark, bypassRuleset, bypassTable } from '../../core/bypass.js'
import { bypassedMarks, killSwitchTable } from '../../core/killSwitch.js'
import { startOf } from '../home/connectionFile.js'
import { families, rulesAndRoutes } from './rulesAndRoutes.js'
import type { Part } from './upkeep.js'

/** Programs beside the tunnel are known to the kernel by their control group, into which only root can move anybody. */
interface Group {
  readonly folder: string
  /** From where nft looks, quoted. */
  readonly path: string
  /** Whether whoever started the program still runs. */
  readonly isWatched: boolean
  readonly processes: readonly number[]
}

/** A program that runs beside the tunnel. */
export interface Bypassed {
  readonly process: number
  readonly name: string
}

/** Before all rules of a tunnel. */
const rulePriority = '31890'
const rule = ['fwmark', bypassMark, 'table', 'main', 'priority', rulePriority]
const nftLooksIn = '/sys/fs/cgroup'
const endsWithinMs = 5_000

/** @throws UserError on a system without control groups that the firewall knows. */
export async function openBypass(): Promise<{ words: readonly string[]; close(): Promise<void> }> {
  const top = hierarchy()
  if (top === undefined)
    throw new UserError(
      'There is no cgroup2 below /sys/fs/cgroup, by which the kernel tells this program from others.',
    )
  const folder = join(top, `pontage-bypass-${process.pid}-${startOf(process.pid)}`)
  await mkdir(folder, { mode: 0o755 })
  try {
    await letGroupOut(groupAt(folder))
  } catch (error) {
    await endGroups([groupAt(folder)])
    throw error
  }
  return {
    words: ['sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', folder],
    close: () => endGroups([groupAt(folder)]),
  }
}

/** What runs beside the tunnel, each with the first of its processes. */
export const bypassed = (): Bypassed[] =>
  groups().flatMap(({ processes: [first] }) =>
    first === undefined ? [] : [{ process: first, name: nameOf(first) }],
  )

/** The commands that let out what is marked, as long as there is a program that is; to be loaded with the kill switch. */
export const bypassCommands = (): string => (groups().length === 0 ? '' : letOut('add'))

/** Ends the programs that nobody watches any more, and takes away what nobody needs. */
export const sweepBypass = (): Promise<void> => endGroups(groups().filter(({ isWatched }) => !isWatched))

/** Has programs end whose `pontage bypass` was killed, and the others go on beside the tunnel where somebody flushed what lets them. */
export const bypassPart: Part = {
  right: '',
  look: async () =>
    [...groups().filter(({ isWatched }) => !isWatched), ...(await shutIn())]
      .map(({ folder }) => folder)
      .join(' '),
  async apply() {
    await sweepBypass()
    for (const group of await shutIn()) await letGroupOut(group)
  },
  lookEveryMs: 1_000,
}

async function letGroupOut({ path }: Group): Promise<void> {
  // The table first: while it stands, there is something to take away.
  await applyRuleset(bypassRuleset({ path, level: 1 }) + letOut('add'))
  await eachFamily(['rule', 'add', ...rule], /file exists|not supported/i)
}

/** What runs and would not leave beside the tunnel: its packets are not marked, or are routed as all others. */
async function shutIn(): Promise<Group[]> {
  const running = groups().filter(({ isWatched }) => isWatched)
  // Where no tunnel stands, nothing is let out.
  if (running.length === 0 || (await noTunnelStands())) return []
  const routed = await Promise.all(families().map(isRouted))
  if (routed.includes(false)) return running
  const marked = JSON.stringify((await listTable('inet', bypassTable))?.objects ?? [])
  return running.filter(({ path }) => !marked.includes(path.replaceAll('"', '')))
}

const isRouted = async (family: 4 | 6): Promise<boolean> =>
  (await rulesAndRoutes(family)).rules.some(({ priority }) => priority === Number(rulePriority))

const noTunnelStands = async (): Promise<boolean> => {
  const { objects = [] } = (await listTable('inet', killSwitchTable)) ?? {}
  return !(objects as readonly { set?: { name: string } }[]).some(({ set }) => set?.name === bypassedMarks)
}

/** Each is tried whatever becomes of the others. @throws Error the first that failed, in the end */
async function endGroups(ended: readonly Group[]): Promise<void> {
  const ends = await Promise.allSettled(ended.map(endGroup))
  if (groups().length === 0 && (await listTable('inet', bypassTable)) !== undefined)
    ends.push(...(await Promise.allSettled([takeAway()])))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
}

/** What marks packets goes last: while it stands, it is known that there is something to take away. */
async function takeAway(): Promise<void> {
  await eachFamily(['rule', 'delete', ...rule], /no such file|not supported/i)
  if ((await listTable('inet', killSwitchTable)) !== undefined)
    await applyRuleset(letOut('delete')).catch(unless(/no such file/i))
  await deleteTable('inet', bypassTable)
}

async function eachFamily(words: readonly string[], nothingToDo: RegExp): Promise<void> {
  for (const family of [4, 6] as const) await applyIp([words], { family }).catch(unless(nothingToDo))
}

/** Its processes are ended also where the firewall cannot be told. */
async function endGroup({ folder, path }: Group): Promise<void> {
  const untold = applyRuleset(bypassEnds(path)).catch(unless(/no such file/i))
  await untold.catch(() => undefined)
  await endProcesses(folder)
  await untold
}

async function endProcesses(folder: string): Promise<void> {
  const giveUpAt = performance.now() + endsWithinMs
  for (;;) {
    // Of kernels before 5.14, which do not have the file, each process is ended alone.
    await writeFile(join(folder, 'cgroup.kill'), '1').catch(() => {
      for (const pid of groupAt(folder).processes) endProcess(pid)
    })
    try {
      return await rmdir(folder)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY' || performance.now() > giveUpAt) throw error
    }
    await delay(20)
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function groups(): Group[] {
  const top = hierarchy()
  if (top === undefined) return []
  return readdirSync(top)
    .filter((name) => /^pontage-bypass-\d+-\d+$/.test(name))
    .map((name) => groupAt(join(top, name)))
}

function groupAt(folder: string): Group {
  const [, pid, start] = /-(\d+)-(\d+)$/.exec(folder) ?? []
  const processes = read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number)
  return { folder, path: pathOf(folder), isWatched: startOf(Number(pid)) === start, processes }
}

const pathOf = (folder: string): string => `"${relative(nftLooksIn, folder)}"`

/** Where control groups of the second version are mounted; beside the first version that is a folder below. */
function hierarchy(): string | undefined {
  return (
    read('/proc/self/mountinfo')
      .split('\n')
      .filter((line) => line.includes(' - cgroup2 '))
      .map((line) => line.split(' ')[4] ?? '')
      .filter((place) => place === nftLooksIn || place.startsWith(`${nftLooksIn}/`))
      // Another file system may have been mounted over it.
      .find((place) => existsSync(place))
  )
}

const letOut = (verb: 'add' | 'delete'): string =>
  `${verb} element inet ${killSwitchTable} ${bypassedMarks} { ${bypassMark} }\n`

/** Programs choose their names themselves. */
const nameOf = (pid: number): string => printable(read(`/proc/${pid}/comm`).trim())

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Passes over a command that failed because there is nothing to do. */
const unless = (reason: RegExp) => (error: unknown) => {
  if (!(error instanceof CommandFailed && reason.test(error.stderr))) throw error
}
