import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Signed } from '../../documents.js'
import { printable } from '../../printable.js'
import { encodeMessage } from '../../wire.js'
import { signed } from '../../wireFields.js'
import { UserError } from '../program/userError.js'

const scheme = 'pontage:'
const schema = signed('Invitation')
/** Longer ones are none, and are not unpacked. */
const maxLinkLength = 4_096
const maxTextBytes = 16_384

/** A path that only one invitation names. */
export const isInvitationPath = (path: string): boolean => /^\/[\w-]{22}$/.test(path)

/** Whether a word is an invitation's link, whole or not. */
export const looksLikeInvitation = (word: string): boolean => word.startsWith(scheme)

/** The link of an invitation: its fields and the signature, packed. */
export const writeInvitation = (invitation: Signed<'Invitation'>): string =>
  scheme + deflateRawSync(encodeMessage(invitation), { level: 9 }).toString('base64url')

/**
 * Reads a link. Whether it was really signed by the provider that it names is not known yet.
 *
 * @throws UserError for what is no whole link.
 */
export function readInvitation(link: string): Signed<'Invitation'> {
  const word = link.trim()
  try {
    if (!looksLikeInvitation(word) || word.length > maxLinkLength) throw new Error('It has another form.')
    const packed = Buffer.from(word.slice(scheme.length), 'base64url')
    const text = inflateRawSync(packed, { maxOutputLength: maxTextBytes }).toString('utf8')
    const invitation = schema.parse(JSON.parse(text))
    if (!isInvitationPath(invitation.path)) throw new Error('Its path is none.')
    // Whoever is invited is shown these, and they are a stranger's.
    const { country, endpoint, exitPolicy } = invitation
    if ([country, endpoint, exitPolicy].some((text) => printable(text) !== text))
      throw new Error('Its texts cannot be shown.')
    return invitation
  } catch (cause) {
    throw new UserError(
      `This is no whole invitation. Copy the link from "${scheme}" to its end, or ask for it again.`,
      { cause },
    )
  }
}
