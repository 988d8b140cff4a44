import { type Address, type UnixSeconds, unixSeconds } from '@pontage/shared'
import { addressFrom, hexBlob } from '@pontage/shared/node'
import type { Db } from './storeSchema.js'

/** A hub that was found to lie, and how. */
export interface Distrusted {
  readonly hub: Address
  readonly reason: string
  readonly at: UnixSeconds
}

/** Remembers which hubs are not relied on any more, until the owner says otherwise. */
export class HubTrustStore {
  constructor(private readonly db: Db) {}

  /** The first reason stays. */
  distrust({ hub, reason, at }: Distrusted): void {
    this.db
      .prepare('INSERT INTO distrusted_hub (hub, reason, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
      .run(hexBlob(hub), reason, at)
  }

  /** @returns Whether it was distrusted. */
  trust(hub: Address): boolean {
    return this.db.prepare('DELETE FROM distrusted_hub WHERE hub = ?').run(hexBlob(hub)).changes > 0
  }

  all(): Distrusted[] {
    return this.db
      .prepare<[], { hub: Buffer; reason: string; at: number }>('SELECT * FROM distrusted_hub ORDER BY at')
      .all()
      .map(({ hub, reason, at }) => ({ hub: addressFrom(hub), reason, at: unixSeconds(at) }))
  }

  reasonAgainst(hub: Address): string | undefined {
    return this.all().find((each) => each.hub === hub)?.reason
  }
}
