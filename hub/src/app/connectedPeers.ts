import type { Address } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'

/** Open connections, by the identity at their other end. */
export class ConnectedPeers {
  readonly #links = new Map<Address, Set<Link>>()
  readonly #keepStamps = new WeakSet<Link>()

  join(link: Link): void {
    const links = this.#links.get(link.peer) ?? new Set()
    this.#links.set(link.peer, links.add(link))
    void link.closed.then(() => {
      links.delete(link)
      if (links.size === 0 && this.#links.get(link.peer) === links) this.#links.delete(link.peer)
    })
  }

  /** Notes that the program at the other end knows of stamps: an older one could not read an answer that has any. */
  noteStamps(link: Link): void {
    this.#keepStamps.add(link)
  }

  keepsStamps(link: Link): boolean {
    return this.#keepStamps.has(link)
  }

  /** Ends every connection, so that whoever comes back presents itself anew. */
  dropAll(): void {
    for (const links of this.#links.values()) for (const link of links) link.terminate()
  }

  /** How many identities are connected. */
  get count(): number {
    return this.#links.size
  }

  /** The newest connection of an identity. */
  linkOf(identity: Address): Link | undefined {
    return [...(this.#links.get(identity) ?? [])].at(-1)
  }
}
