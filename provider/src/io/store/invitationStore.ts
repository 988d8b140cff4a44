import { createHash } from 'node:crypto'
import { type Address, type UnixSeconds, unixSeconds } from '@pontage/shared'
import { addressFrom, hexBlob } from '@pontage/shared/node'
import type { InvitationTerms } from '../../core/invitation.js'
import type { Db } from './storeSchema.js'

/** An invitation as its provider remembers it: what it leads to stands in the link, and only there. */
export interface KeptInvitation extends InvitationTerms {
  readonly id: string
  readonly madeAt: UnixSeconds
  readonly usedBy: readonly Address[]
}

interface Row {
  id: string
  consumer: Buffer | null
  uses: number | null
  made_at: number
  expires_at: number
  revoked_at: number | null
}

/** What invitations were given, and who has used them. Commands write here while the provider runs. */
export class InvitationStore {
  constructor(private readonly db: Db) {}

  add(
    { id, consumer, uses, madeAt, expiresAt }: Omit<KeptInvitation, 'usedBy' | 'isRevoked'>,
    path: string,
  ): void {
    this.db
      .prepare(
        'INSERT INTO invitation (id, path, consumer, uses, made_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(id, hashOf(path), consumer ? hexBlob(consumer) : null, uses ?? null, madeAt, expiresAt)
  }

  /** The one that a path belongs to. */
  byPath(path: string): KeptInvitation | undefined {
    const row = this.db.prepare<[Buffer], Row>('SELECT * FROM invitation WHERE path = ?').get(hashOf(path))
    return row && this.#whole(row)
  }

  all(): KeptInvitation[] {
    const rows = this.db.prepare<[], Row>('SELECT * FROM invitation ORDER BY made_at, id').all()
    return rows.map((row) => this.#whole(row))
  }

  /** An identity uses it; using it again changes nothing. @returns Whether it is the first time. */
  use(id: string, consumer: Address, at: UnixSeconds): boolean {
    const { changes } = this.db
      .prepare(
        'INSERT INTO invitation_use (invitation, consumer, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      )
      .run(id, hexBlob(consumer), at)
    return changes > 0
  }

  /** Takes a use back of which nothing came. */
  giveBack(id: string, consumer: Address): void {
    this.db
      .prepare('DELETE FROM invitation_use WHERE invitation = ? AND consumer = ?')
      .run(id, hexBlob(consumer))
  }

  /** @returns Whether there was such an invitation, not revoked before. */
  revoke(id: string, at: UnixSeconds): boolean {
    const { changes } = this.db
      .prepare('UPDATE invitation SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL')
      .run(at, id)
    return changes > 0
  }

  #whole(row: Row): KeptInvitation {
    const uses = this.db
      .prepare<[string], { consumer: Buffer }>(
        'SELECT consumer FROM invitation_use WHERE invitation = ? ORDER BY at',
      )
      .all(row.id)
    return {
      id: row.id,
      consumer: row.consumer === null ? undefined : addressFrom(row.consumer),
      uses: row.uses ?? undefined,
      madeAt: unixSeconds(row.made_at),
      expiresAt: unixSeconds(row.expires_at),
      isRevoked: row.revoked_at !== null,
      usedBy: uses.map(({ consumer }) => addressFrom(consumer)),
    }
  }
}

const hashOf = (path: string): Buffer => createHash('sha256').update(path).digest()
