import {
  type Address,
  address,
  type Document,
  type Hex,
  isActive,
  type Params,
  printable,
  refuse,
  requests,
  type Signed,
  type Verdict,
  type Wei,
  weiPerMegabyte,
} from '@pontage/shared'

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
  readonly inForce?: Pick<Document<'Proposal'>, 'pricePerMegabyte' | 'pricePerHour'>
}

/**
 * Offers that can be dealt with, the cheapest first: who has a debt or no stake is left out, and whose words no client
 * would take or could show.
 */
export const listed = (entries: readonly Entry[]): readonly Entry[] =>
  entries
    .filter(({ standing }) => standing.debt === 0n && isActive(standing, 'provider'))
    .filter(({ proposal }) => isPresentable(proposal))
    .sort((a, b) => compare(a.proposal, b.proposal))

/** What fits a field of a message. */
const maxText = 512
const maxHubs = 64

/** Whether an offer's words are what they seem: nothing in them moves a terminal's cursor, or breaks a message. */
export const isPresentable = ({
  service,
  country,
  endpoint,
  exitPolicy,
  hubs,
}: Pick<Entry['proposal'], 'service' | 'country' | 'endpoint' | 'exitPolicy' | 'hubs'>): boolean =>
  /^[A-Z]{2}$/.test(country) &&
  hubs.length <= maxHubs &&
  [service, endpoint, exitPolicy].every((text) => text.length <= maxText && printable(text) === text)

const order = <Value extends bigint | string>(a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0)

/** What is asked of a listing. */
export type Asked = Params<'proposals'>

const defaultLimit = 50

/**
 * The offers asked for, from behind the cursor on. A cursor names the place of an offer in the order, not the offer: it
 * holds when that one has gone.
 *
 * @param sizeOf - How many bytes one takes when sent; a page takes at most `maxBytes`, but one offer always.
 */
export function pageOf<Shown>(
  entries: readonly Entry[],
  { country, maxPrice, limit = defaultLimit, cursor }: Asked,
  show: (entry: Entry) => Shown,
  sizeOf: (shown: Shown) => number,
  maxBytes: number,
): { page: Shown[]; next: string | undefined } {
  const after = cursor === undefined ? undefined : placeFrom(cursor)
  const isChosen = ({ proposal }: Entry) =>
    (country === undefined || proposal.country.toUpperCase() === country.toUpperCase()) &&
    (maxPrice === undefined || proposal.pricePerMegabyte <= maxPrice) &&
    (after === undefined || compare(proposal, after) > 0)
  const page: Shown[] = []
  let size = 0
  let last: Place | undefined
  for (const entry of entries) {
    if (!isChosen(entry)) continue
    const shown = show(entry)
    size += sizeOf(shown)
    if (last && (page.length === limit || size > maxBytes))
      return { page, next: `${last.pricePerMegabyte}-${last.provider}` }
    page.push(shown)
    last = entry.proposal
  }
  return { page, next: undefined }
}

type Place = Pick<Entry['proposal'], 'pricePerMegabyte' | 'provider'>

const compare = (a: Place, b: Place): number =>
  order(a.pricePerMegabyte, b.pricePerMegabyte) || order(a.provider, b.provider)

function placeFrom(cursor: string): Place {
  const [price = '', provider = ''] = cursor.split('-')
  return { pricePerMegabyte: weiPerMegabyte(BigInt(price)), provider: address(provider) }
}

/** Reads the query of an address, such as `country=DE&limit=10`, as the websocket's request. */
export function askedFrom(query: URLSearchParams): Verdict<{ asked: Asked }> {
  const malformed = (problem: string) => refuse({ code: 'malformed-message', type: 'proposals', problem })
  const fields: Record<string, unknown> = {}
  for (const [name, value] of query) {
    if (!['country', 'maxPrice', 'limit', 'cursor'].includes(name))
      return malformed(
        `"${name.slice(0, 40)}" is not a parameter of this page: country, maxPrice, limit and cursor are`,
      )
    if (name in fields) return malformed(`${name}: expected once`)
    fields[name] = name === 'limit' ? Number(value) : value
  }
  const parsed = requests.proposals.params.safeParse(fields)
  if (parsed.success) return { ok: true, asked: parsed.data }
  const [issue] = parsed.error.issues
  return malformed(`${issue?.path.join('.')}: ${issue?.message}`)
}
