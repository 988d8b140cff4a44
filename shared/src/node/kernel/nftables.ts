import { CommandFailed, runCommand } from './command.js'
import { type NftFamily, nftName } from './nftablesValues.js'

/** Where a ruleset lives. */
export interface NftOptions {
  /** Network namespace; left out: ours. */
  readonly netns?: string
  readonly signal?: AbortSignal
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

/**
 * Applies a ruleset in one transaction: all of it, or on any error none.
 *
 * @param text - In nft's language. Put values in only through the functions of nftablesValues.
 * @throws CommandFailed with nft's own words on the line that it refused.
 */
export async function applyRuleset(text: string, options: NftOptions = {}): Promise<void> {
  await runCommand(['nft', '-f', '-'], { ...options, input: text.endsWith('\n') ? text : `${text}\n` })
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
 * @returns undefined when there is no such table.
 */
export async function listTable(
  family: NftFamily,
  name: string,
  options: NftOptions = {},
): Promise<NftTable | undefined> {
  try {
    const { stdout } = await runCommand(['nft', '-j', 'list', 'table', family, nftName(name)], options)
    return parseTable(stdout)
  } catch (error) {
    if (error instanceof CommandFailed && /no such file/i.test(error.stderr)) return undefined
    throw error
  }
}

/** Reads what `nft -j list …` printed. @throws Error when it is not that. */
export function parseTable(json: string): NftTable {
  const { nftables } = JSON.parse(json) as { nftables?: Record<string, unknown>[] }
  if (!Array.isArray(nftables)) throw new Error('nft printed JSON without its list of objects.')
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
