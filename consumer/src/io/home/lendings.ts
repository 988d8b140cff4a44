import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { join } from 'node:path'
import { type Address, SerialQueue } from '@pontage/shared'
import { generateWireguardKeys, UserError, type WireguardKey, writeFileDurably } from '@pontage/shared/node'
import type { LendLimitTexts } from '../../core/lendLimits.js'
import { giveToOwner, openInHome } from './ownership.js'

/** What is kept of a lending, so that the other machine need not be told anything new. It holds secrets. */
export interface Lending {
  readonly name: string
  /** What the journal calls it: a later one of the same name has used nothing. */
  readonly id: string
  /** Unix seconds. */
  readonly createdAt: number
  /** Of the other machine. */
  readonly privateKey: WireguardKey
  /** 64 bytes in hexadecimal digits: what our half of the pre-shared key is made of. */
  readonly seed: string
  readonly limits: LendLimitTexts
  /** Wanted while no provider has lent anything yet. */
  readonly country?: string | undefined
  readonly provider?: Address | undefined
  /** The price that was agreed first, in the token's smallest unit: a dearer one is not paid. */
  readonly price?: { readonly perMegabyte: string; readonly perHour: string } | undefined
  readonly addresses?: { readonly address4: string; readonly address6: string } | undefined
  /** The provider's name of the latest session: it may still think that it runs. */
  readonly session?: string | undefined
  /** What the other machine was told. */
  readonly configuration?: string | undefined
}

const fileName = 'lendings.json'
const maxLendings = 16

/** A name that a person types, and that an app takes for a tunnel. */
export const isLendingName = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(name)

/** A lending that begins: keys of its own. */
export function newLending(
  wanted: Pick<Lending, 'name' | 'limits' | 'provider' | 'country'>,
  now: number,
): Lending {
  return {
    ...wanted,
    id: randomBytes(8).toString('hex'),
    createdAt: now,
    privateKey: generateWireguardKeys().privateKey,
    seed: randomBytes(64).toString('hex'),
  }
}

/** All that are kept in a home. @throws UserError when the file cannot be read */
export async function readLendings(home: string): Promise<Lending[]> {
  const file = await openInHome(home, fileName, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  try {
    return JSON.parse((await file?.readFile('utf8')) ?? '[]') as Lending[]
  } catch (cause) {
    throw new UserError(`${home}/${fileName} cannot be read. Remove it, and lend anew.`, { cause })
  } finally {
    await file?.close()
  }
}

/** What a program changes, one after the other: of two lendings kept at once, each would write what it read without the other. */
const changes = new SerialQueue()

/** Keeps one, in place of what was kept under its name. */
export const keepLending = (home: string, lending: Lending): Promise<void> =>
  changes.run(async () => {
    const others = (await readLendings(home)).filter(({ name }) => name !== lending.name)
    if (others.length >= maxLendings)
      throw new UserError(
        `There are ${maxLendings} lendings already. Forget one with: pontage lend stop NAME. "pontage lend list" shows them.`,
      )
    await write(home, [...others, lending])
  })

/** Forgets one: its keys are gone. @returns Whether there was one */
export const forgetLending = (home: string, name: string): Promise<boolean> =>
  changes.run(async () => {
    const all = await readLendings(home)
    const others = all.filter((each) => each.name !== name)
    if (others.length < all.length) await write(home, others)
    return others.length < all.length
  })

/** Only the owner reads it: whoever has a private key spends its budget. */
async function write(home: string, lendings: readonly Lending[]): Promise<void> {
  const path = join(home, fileName)
  await writeFileDurably(path, `${JSON.stringify(lendings, undefined, 2)}\n`, 0o600)
  await giveToOwner(home, path)
}
