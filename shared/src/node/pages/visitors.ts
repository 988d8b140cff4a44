import { createHash, randomBytes } from 'node:crypto'

/** What a visitor of the pages may do: everything, or look. */
export type Right = 'act' | 'read'

/** One visit; the same object for as long as it lasts. */
export interface Visit {
  readonly right: Right
}

/**
 * What a browser shows of its visit. Browsers send the cookie to every port of this machine, so whoever listens on
 * another one may see it; the word is kept by the pages' own address, and scripts of theirs send it along.
 */
export interface Pass {
  readonly cookie: string
  readonly word: string
}

/** Who may see the pages: whoever opened a link that was typed out, which is good once. */
export interface Visitors {
  /** A key for one visit; an earlier one of the same right that nobody used is good no more. */
  invite(right: Right): string
  /** Takes a key. @returns the pass of the visit that begins; undefined where the key is unknown or was used */
  enter(key: string): Pass | undefined
  /** Whether a visit has this cookie: enough for what is no secret. */
  knows(cookie: string | undefined): boolean
  /** The visit with this pass; undefined where there is none. */
  visitOf(cookie: string | undefined, word: string | undefined): Visit | undefined
}

/** More visits than this at once are no owner's: the oldest ends. */
const maxVisits = 32

export function createVisitors(): Visitors {
  // Looked up by their hashes, so that the time of a look says nothing about the secret.
  const invitations = new Map<string, Right>()
  const visits = new Map<string, { readonly visit: Visit; readonly word: string }>()
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
      const pass = { cookie: newSecret(), word: newSecret() }
      visits.set(hashOf(pass.cookie), { visit: { right }, word: hashOf(pass.word) })
      const [oldest] = visits.keys()
      if (visits.size > maxVisits && oldest !== undefined) visits.delete(oldest)
      return pass
    },
    knows: (cookie) => cookie !== undefined && visits.has(hashOf(cookie)),
    visitOf(cookie, word) {
      const found = cookie === undefined ? undefined : visits.get(hashOf(cookie))
      return found !== undefined && word !== undefined && found.word === hashOf(word)
        ? found.visit
        : undefined
    },
  }
}

const newSecret = (): string => randomBytes(24).toString('base64url')
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')
