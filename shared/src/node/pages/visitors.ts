import { createHash, randomBytes } from 'node:crypto'

/** What a visitor of the pages may do: everything, or look. */
export type Right = 'act' | 'read'

/** Who may see the pages: whoever opened a link that was typed out, which is good once. */
export interface Visitors {
  /** A key for one visit; an earlier one of the same right that nobody used is good no more. */
  invite(right: Right): string
  /** Takes a key. @returns the secret of the visit that begins; undefined where the key is unknown or was used */
  enter(key: string): string | undefined
  /** What the visitor with this secret may do; undefined where no visit has it. */
  rightOf(secret: string | undefined): Right | undefined
}

/** More visits than this at once are no owner's: the oldest ends. */
const maxVisits = 32

export function createVisitors(): Visitors {
  // Looked up by their hashes, so that the time of a look says nothing about the secret.
  const invitations = new Map<string, Right>()
  const visits = new Map<string, Right>()
  return {
    invite(right) {
      for (const [hash, other] of invitations) if (other === right) invitations.delete(hash)
      const key = newSecret()
      invitations.set(hashOf(key), right)
      return key
    },
    enter(key) {
      const right = invitations.get(hashOf(key))
      if (right === undefined) return undefined
      invitations.delete(hashOf(key))
      const secret = newSecret()
      visits.set(hashOf(secret), right)
      const [oldest] = visits.keys()
      if (visits.size > maxVisits && oldest !== undefined) visits.delete(oldest)
      return secret
    },
    rightOf: (secret) => (secret === undefined ? undefined : visits.get(hashOf(secret))),
  }
}

const newSecret = (): string => randomBytes(24).toString('base64url')
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')
