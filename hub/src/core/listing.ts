import { type Address, type Hex, refuse, roles, type Signed, type Verdict, type Wei } from '@pontage/shared'

/** Where on the chain something stands, so that anyone can look it up there. */
export interface Published {
  readonly blockNumber: number
  readonly blockHash: Hex
  readonly transaction: Hex
  readonly logIndex: number
}

/** The offer of one provider as it was published last. */
export interface Offer {
  readonly proposal: Signed<'Proposal'>
  /** When its prices come into force. */
  readonly effectiveAt: number
  readonly published: Published
}

/** What the chain says of a provider. */
export interface ProviderStanding {
  readonly activeRoles: number
  readonly stake: Wei
  readonly unbonding: Wei
  readonly faults: number
  readonly debt: Wei
  readonly registeredAt: number
  readonly beneficiary: Address
}

/** An offer with what is known of who makes it. */
export interface Entry extends Offer {
  readonly standing: ProviderStanding
  /** Prices in force while those of the offer still wait; undefined otherwise. */
  readonly inForce?: { readonly pricePerMegabyte: bigint; readonly pricePerHour: bigint }
}

/** Offers that can be dealt with, the cheapest first: who has a debt or no stake is left out. */
export const listed = (entries: readonly Entry[]): readonly Entry[] =>
  entries
    .filter(({ standing }) => standing.debt === 0n && (standing.activeRoles & roles.provider) !== 0)
    .sort(
      ({ proposal: a }, { proposal: b }) =>
        order(a.pricePerMegabyte, b.pricePerMegabyte) || order(a.provider, b.provider),
    )

const order = <Value extends bigint | string>(a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0)

/** Reads the query of a listing: `country` with two letters, or nothing. */
export function countryOf(query: URLSearchParams): Verdict<{ country: string | undefined }> {
  const malformed = (problem: string) => refuse({ code: 'malformed-message', type: 'proposals', problem })
  for (const name of query.keys())
    if (name !== 'country') return malformed(`"${name.slice(0, 40)}" is not asked for here, country is`)
  const [country, ...more] = query.getAll('country')
  if (country === undefined) return { ok: true, country: undefined }
  if (more.length > 0 || !/^[A-Za-z]{2}$/.test(country))
    return malformed('country: expected two letters such as DE, once')
  return { ok: true, country: country.toUpperCase() }
}
