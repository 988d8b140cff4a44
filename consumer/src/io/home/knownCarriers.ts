import { constants } from 'node:fs'
import type { KnownCarrier } from '../../core/carrier.js'
import { giveToOwner, openInHome } from './ownership.js'

const fileName = 'carriers.json'
/** Networks that are remembered, the latest ones. */
const maxNetworks = 64

type Known = Readonly<Record<string, KnownCarrier>>

/** What worked in a network, by its print; undefined where that is not known. */
export const readCarrier = async (home: string, network: string): Promise<KnownCarrier | undefined> =>
  (await read(home))[network]

/** Remembers what worked in a network; undefined forgets it. */
export async function keepCarrier(
  home: string,
  network: string,
  worked: KnownCarrier | undefined,
): Promise<void> {
  const { [network]: before, ...others } = await read(home)
  if (worked === undefined && before === undefined) return
  const latest = Object.entries(others).slice(1 - maxNetworks)
  const known = Object.fromEntries([...latest, ...(worked === undefined ? [] : [[network, worked]])])
  const { O_CREAT, O_TRUNC, O_WRONLY } = constants
  const file = await openInHome(home, fileName, O_WRONLY | O_CREAT | O_TRUNC)
  try {
    await file.writeFile(`${JSON.stringify(known)}\n`)
    await giveToOwner(home, file)
  } finally {
    await file.close()
  }
}

/** None where the file is missing, or is none: it is written anew. */
async function read(home: string): Promise<Known> {
  const file = await openInHome(home, fileName, constants.O_RDONLY).catch(() => undefined)
  try {
    const found = JSON.parse((await file?.readFile('utf8')) ?? '{}') as Known
    const isKnown = ([, each]: [string, Partial<KnownCarrier>]) =>
      (each?.carrier === 'udp' || each?.carrier === 'wss') && typeof each.until === 'number'
    return Object.fromEntries(Object.entries(found).filter(isKnown))
  } catch {
    return {}
  } finally {
    await file?.close()
  }
}
