import { CommandFailed, runCommand } from './command.js'
import { type NftFamily, nftName } from './nftablesValues.js'

/** Where a ruleset lives. */
export interface NftOptions {
  /** Network namespace; left out: ours. */
  readonly netns?: string
  readonly signal?: AbortSignal
}

/** One table among others. */
export interface NftPlace {
  readonly family: NftFamily
  readonly table: string
}

/** Packets and bytes a named counter has seen. */
export interface NftCounter {
  readonly packets: bigint
  readonly bytes: bigint
}

/** A named quota: what it allows and what has been used. Packets dropped by it are counted as used, too. */
export interface NftQuota {
  readonly limitBytes: bigint
  readonly usedBytes: bigint
}

/** What one table holds, as far as a program reads it back. */
export interface NftTable {
  readonly counters: ReadonlyMap<string, NftCounter>
  readonly quotas: ReadonlyMap<string, NftQuota>
  /** Every object nft listed, as it printed it: `{rule: …}`, `{chain: …}`, `{set: …}`. */
  readonly objects: readonly Record<string, unknown>[]
}

/** On a machine whose processors are busy, or emulated, nft was seen to take more than half a minute. */
const applyWithinMs = 90_000

/**
 * Applies a ruleset in one transaction: all of it, or on any error none.
 *
 * @param text - In nft's language. Put values in only through the functions of nftablesValues.
 * @throws CommandFailed with nft's own words on the line that it refused.
 */
export async function applyRuleset(text: string, options: NftOptions = {}): Promise<void> {
  const input = text.endsWith('\n') ? text : `${text}\n`
  await runCommand(['nft', '-f', '-'], { ...options, input, timeoutMs: applyWithinMs })
}

/**
 * The text that replaces a table whole, whether it was there or not.
 * Counters and quotas of the old one are gone: keep sums outside, or change parts instead.
 */
export function replaceTable(family: NftFamily, name: string, body: string): string {
  return `${deletion(family, name)}table ${family} ${nftName(name)} {\n${body}\n}\n`
}

/** Takes a table away with all it holds. One that is not there is no error. */
export function deleteTable(family: NftFamily, name: string, options: NftOptions = {}): Promise<void> {
  return applyRuleset(deletion(family, name), options)
}

/**
 * Lists one table. A new process each time, about 3 ms; to read often, use `openNftReader`.
 *
 * @param options.isTerse - Without the elements of its sets and maps.
 * @returns undefined when there is no such table.
 */
export function listTable(
  family: NftFamily,
  name: string,
  { isTerse = false, ...options }: NftOptions & { readonly isTerse?: boolean } = {},
): Promise<NftTable | undefined> {
  return list([...(isTerse ? ['-t'] : []), 'list', 'table', family, nftName(name)], options)
}

/** What there is not is undefined. */
async function list(words: readonly string[], options: NftOptions = {}): Promise<NftTable | undefined> {
  try {
    return parseTable((await runCommand(['nft', '-j', ...words], options)).stdout)
  } catch (error) {
    if (error instanceof CommandFailed && /no such file/i.test(error.stderr)) return undefined
    throw error
  }
}

/**
 * A table's flags, some of its chains and what is in some of its sets, in a text that is equal where they are: without the handles,
 * which change each time they are written. A process for the table, and one for each set.
 */
export async function printParts(
  { family, table }: NftPlace,
  { chains, sets }: { readonly chains: readonly string[]; readonly sets: readonly string[] },
): Promise<string> {
  const { objects } = (await listTable(family, table, { isTerse: true })) ?? { objects: [] }
  const printed = (objects as { chain?: { name: string }; rule?: { chain: string } }[]).filter(
    ({ chain, rule }) => chains.includes(chain?.name ?? rule?.chain ?? ''),
  )
  const listed = await Promise.all(
    sets.map((set) => list(['list', 'set', family, nftName(table), nftName(set)])),
  )
  return JSON.stringify([
    [...printed, ...listed.flatMap((set) => set?.objects ?? [])].map(withoutHandles),
    isAsleep(objects, family, table),
  ])
}

const withoutHandles = (object: object) =>
  Object.fromEntries(
    Object.entries(object).map(([kind, value]) => [kind, { ...(value as object), handle: undefined }]),
  )

/**
 * Reads what `nft -j list …` printed.
 *
 * @param place - Of what was printed only this table counts; left out: all.
 * @throws Error when it is not that.
 */
export function parseTable(json: string, place?: NftPlace): NftTable {
  const printed = (JSON.parse(json) as { nftables?: Record<string, unknown>[] }).nftables
  if (!Array.isArray(printed)) throw new Error('nft printed JSON without its list of objects.')
  const nftables = place === undefined ? printed : printed.filter((object) => belongsTo(place, object))
  const counters = new Map<string, NftCounter>()
  const quotas = new Map<string, NftQuota>()
  for (const { counter, quota } of nftables as { counter?: RawCounter; quota?: RawQuota }[]) {
    if (counter !== undefined)
      counters.set(counter.name, { packets: BigInt(counter.packets), bytes: BigInt(counter.bytes) })
    if (quota !== undefined)
      quotas.set(quota.name, { limitBytes: BigInt(quota.bytes), usedBytes: BigInt(quota.used) })
  }
  return { counters, quotas, objects: nftables.filter((object) => !('metainfo' in object)) }
}

function belongsTo({ family, table }: NftPlace, object: Record<string, unknown>): boolean {
  const [[kind, of]] = Object.entries(object) as [
    [string, { family?: string; table?: string; name?: string }],
  ]
  return of.family === family && (kind === 'table' ? of.name : of.table) === table
}

/**
 * Whether a table is there but judges nothing: somebody gave it the flag "dormant". Of its flags nft prints in JSON only that
 * there are some.
 */
export const isAsleep = (objects: NftTable['objects'], family: NftFamily, name: string): boolean =>
  (objects as readonly { table?: { family: string; name: string; flags?: unknown } }[]).some(
    ({ table }) => table?.family === family && table.name === name && table.flags !== undefined,
  )

interface RawCounter {
  readonly name: string
  readonly packets: number
  readonly bytes: number
}

interface RawQuota {
  readonly name: string
  readonly bytes: number
  readonly used: number
}

/** Naming the table first makes the deletion hold whether it existed or not, in one transaction. */
function deletion(family: NftFamily, name: string): string {
  return `table ${family} ${nftName(name)}\ndelete table ${family} ${nftName(name)}\n`
}
