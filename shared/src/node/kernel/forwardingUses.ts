import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KernelSettings } from './forwarding.js'

// Several providers on one machine, and a consumer that is a gateway, share its switches. Each keeps a note of those that it relies on, with the value from
// before the first of them came: the last one puts them back.

/** Not the folder of the consumer's service, which members of its group enter. */
export const notesFolder = '/run/pontage-provider'

/** Notes what one of them relies on, over what it had noted before. */
export async function noteUse(table: string, settings: KernelSettings): Promise<void> {
  await mkdir(notesFolder, { recursive: true, mode: 0o755 })
  await writeFile(await pathOf(table), JSON.stringify(settings))
}

/** What one of them has noted. */
export const readUse = async (table: string): Promise<KernelSettings> =>
  JSON.parse(await readFile(await pathOf(table), 'utf8').catch(() => '{}'))

/** Takes its note away. */
export const forgetUse = async (table: string): Promise<void> => rm(await pathOf(table), { force: true })

/**
 * What the others in this network namespace rely on: each setting with its value from before them.
 *
 * @param tables - Tables in the kernel: whoever has none there is gone.
 */
export async function readOtherUses(own: string, tables: readonly string[]): Promise<KernelSettings> {
  const prefix = await prefixHere()
  const files = (await readdir(notesFolder).catch(() => [])).filter((file) => file.startsWith(prefix))
  const found: Record<string, string> = {}
  for (const file of files) {
    const table = file.slice(prefix.length)
    if (table === own || !tables.includes(table)) continue
    const text = await readFile(join(notesFolder, file), 'utf8').catch(() => '{}')
    Object.assign(found, JSON.parse(text))
  }
  return found
}

const pathOf = async (table: string): Promise<string> => join(notesFolder, `${await prefixHere()}${table}`)

/** A namespace is known by the number of its file. */
const prefixHere = async (): Promise<string> => `provider-${(await stat('/proc/self/ns/net')).ino}-`
