import { type Document, printable } from '@pontage/shared'

/**
 * Whether an offer may be shown and used: its texts are a stranger's, and a control character in them could rewrite
 * what stands on a terminal. The country is two capital letters (ISO 3166).
 */
export const isPresentable = ({ service, country, endpoint, exitPolicy }: Document<'Proposal'>): boolean =>
  /^[A-Z]{2}$/.test(country) && [service, endpoint, exitPolicy].every((text) => printable(text) === text)
