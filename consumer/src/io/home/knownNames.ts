import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type Address, address } from '@pontage/shared'
import type { KnownNames, KnownProvider } from '../../core/providerName.js'
import { giveToOwner, openInHome } from './ownership.js'

const fileName = 'names.json'

/** The names that are known in a home; none where nothing was listed or named. */
export async function readNames(home: string): Promise<KnownNames> {
  const file = await openInHome(home, fileName, constants.O_RDONLY).catch(() => undefined)
  try {
    const { list = [], aliases = {} } = JSON.parse((await file?.readFile('utf8')) ?? '{}') as KnownNames
    return {
      list: list.map(({ provider, country }) => ({ provider: address(provider), country: `${country}` })),
      aliases: Object.fromEntries(
        Object.entries(aliases).map(([name, provider]) => [name, address(provider)]),
      ),
    }
  } catch {
    return { list: [], aliases: {} } // It is written anew with the next list.
  } finally {
    await file?.close()
  }
}

/** Keeps the list that was shown, so that its numbers can be typed. Where there is no home, nothing is made. */
export const keepList = async (home: string, list: readonly KnownProvider[]): Promise<void> =>
  write(home, { ...(await readNames(home)), list })

/** Gives a provider a name, or takes it away. */
export async function keepAlias(home: string, name: string, provider: Address | undefined): Promise<void> {
  const { list, aliases } = await readNames(home)
  const { [name]: _, ...others } = aliases
  await write(home, { list, aliases: provider === undefined ? others : { ...others, [name]: provider } })
}

async function write(home: string, names: KnownNames): Promise<void> {
  if (!(await stat(home).catch(() => undefined))) return
  const { O_CREAT, O_TRUNC, O_WRONLY } = constants
  const file = await openInHome(home, fileName, O_WRONLY | O_CREAT | O_TRUNC)
  try {
    await file.writeFile(`${JSON.stringify(names)}\n`)
    await giveToOwner(home, file)
  } finally {
    await file.close()
  }
}
