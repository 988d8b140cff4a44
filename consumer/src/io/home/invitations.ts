import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Address, Signed } from '@pontage/shared'
import { readInvitation, UserError, writeInvitation } from '@pontage/shared/node'
import { giveToOwner, openInHome } from './ownership.js'

const fileName = 'invitations.json'
/** Of all providers together: the latest. */
const maxInvitations = 256

/** The invitations that are kept in a home, one of each provider; whether they are genuine is not known yet. */
export async function readInvitations(home: string): Promise<Signed<'Invitation'>[]> {
  const file = await openInHome(home, fileName, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  try {
    const links = JSON.parse((await file?.readFile('utf8')) ?? '[]') as unknown[]
    return links.map((link) => readInvitation(String(link)))
  } catch (cause) {
    throw new UserError(
      `${home}/${fileName} cannot be read. Remove it, and add the invitations again by their links.`,
      { cause },
    )
  } finally {
    await file?.close()
  }
}

/** Keeps one, in place of an earlier one of the same provider. @returns It. */
export async function keepInvitation(home: string, link: string): Promise<Signed<'Invitation'>> {
  const invitation = readInvitation(link)
  if (!(await stat(home).catch(() => undefined)))
    throw new UserError(`There is no home folder at ${home} yet. Run "pontage init" first.`)
  const others = (await readInvitations(home)).filter(({ provider }) => provider !== invitation.provider)
  await write(home, [...others.slice(1 - maxInvitations), invitation])
  return invitation
}

/** Forgets that of a provider. @returns Whether there was one. */
export async function forgetInvitation(home: string, provider: Address): Promise<boolean> {
  const all = await readInvitations(home)
  const others = all.filter((each) => each.provider !== provider)
  if (others.length < all.length) await write(home, others)
  return others.length < all.length
}

/** Whoever has a link is invited: only the owner reads it. */
async function write(home: string, invitations: readonly Signed<'Invitation'>[]): Promise<void> {
  const { O_CREAT, O_TRUNC, O_WRONLY } = constants
  const file = await openInHome(home, fileName, O_WRONLY | O_CREAT | O_TRUNC)
  try {
    await file.chmod(0o600)
    await file.writeFile(`${JSON.stringify(invitations.map(writeInvitation), undefined, 2)}\n`)
    await giveToOwner(home, file)
  } finally {
    await file.close()
  }
}
