import type { Document } from '../../documents.js'
import { address, bytes32, unixSeconds, weiPerHour, weiPerMegabyte } from '../../units.js'

/** A proposal as the chain's event gives it. */
export interface RawProposal {
  readonly provider: string
  readonly service: string
  readonly pricePerMegabyte: bigint
  readonly pricePerHour: bigint
  readonly country: string
  readonly endpoint: string
  readonly wireguardKey: string
  readonly certificate: string
  readonly exitPolicy: string
  readonly hubs: readonly string[]
  readonly issuedAt: bigint
}

/** The prices of an offer as the chain gives them, with their units: the only place where they get them. */
export const pricesFrom = (
  raw: Pick<RawProposal, 'pricePerMegabyte' | 'pricePerHour'>,
): Pick<Document<'Proposal'>, 'pricePerMegabyte' | 'pricePerHour'> => ({
  pricePerMegabyte: weiPerMegabyte(raw.pricePerMegabyte),
  pricePerHour: weiPerHour(raw.pricePerHour),
})

/** The signed document in it, as its signature is checked. */
export const proposalFrom = (raw: RawProposal): Document<'Proposal'> => ({
  provider: address(raw.provider),
  service: raw.service,
  ...pricesFrom(raw),
  country: raw.country,
  endpoint: raw.endpoint,
  wireguardKey: bytes32(raw.wireguardKey),
  certificate: bytes32(raw.certificate),
  exitPolicy: raw.exitPolicy,
  hubs: [...raw.hubs].map(address),
  issuedAt: unixSeconds(Number(raw.issuedAt)),
})
