import type { Address } from '@pontage/shared'
import type { StandingOnChain } from '@pontage/shared/node'

/** What is asked for while others are being read waits for them this long at most, and is read in one call. */
const gatherMs = 20

const pause = () => new Promise((resolve) => setTimeout(resolve, gatherMs))

type Found = ReadonlyMap<Address, StandingOnChain>

/** Reads standings as they are on the chain after they were asked for, those of many requests with one call. */
export class Standings {
  #gathering: { readonly identities: Set<Address>; readonly found: Promise<Found> } | undefined
  #before: Promise<unknown> = Promise.resolve()

  /** @param read - Standings in the order of the identities. */
  constructor(
    private readonly read: (identities: readonly Address[]) => Promise<readonly StandingOnChain[]>,
  ) {}

  /** In the order of the identities. @throws What reading throws, to all whose standings were in that call */
  async of(identities: readonly Address[]): Promise<(StandingOnChain | undefined)[]> {
    this.#gathering ??= this.#gather()
    const { found } = this.#gathering
    for (const identity of identities) this.#gathering.identities.add(identity)
    const standings = await found
    return identities.map((identity) => standings.get(identity))
  }

  #gather() {
    const identities = new Set<Address>()
    const found = this.#before.then(async () => {
      this.#gathering = undefined
      const wanted = [...identities]
      const standings = await this.read(wanted)
      return new Map(standings.map((standing, index) => [wanted[index] as Address, standing]))
    })
    this.#before = Promise.race([found.catch(() => {}), this.#before.then(pause)])
    return { identities, found }
  }
}
