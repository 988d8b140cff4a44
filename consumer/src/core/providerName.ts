import { type Address, address } from '@pontage/shared'

/** A provider as it was listed last. */
export interface KnownProvider {
  readonly provider: Address
  readonly country: string
}

/** What names are looked up in: the last list, in its order, and the user's own names. */
export interface KnownNames {
  readonly list: readonly KnownProvider[]
  readonly aliases: Readonly<Record<string, Address>>
}

/** Whom a name stands for: one provider, or whoever is cheapest in a country. */
export type Meant = { readonly provider: Address } | { readonly country: string }

/**
 * Whom somebody means: an address, the user's own name for one, a number in the last list, or a country.
 *
 * @throws RangeError for what is none of these.
 */
export function providerNamed(text: string, { list, aliases }: KnownNames): Meant {
  if (/^0x/i.test(text)) return { provider: address(text) }
  if (Object.hasOwn(aliases, text)) return { provider: aliases[text] as Address }
  if (/^[A-Za-z]{2}$/.test(text)) return { country: text.toUpperCase() }
  if (!/^\d+$/.test(text))
    throw new RangeError(
      `"${text}" names no provider: expected its address, its number in "pontage providers", a country such as DE, or a name that "pontage alias" gave.`,
    )
  const found = list[Number(text) - 1]
  if (found) return { provider: found.provider }
  throw new RangeError(
    list.length === 0
      ? 'No providers have been listed yet. Run "pontage providers" first.'
      : `There is no number ${text} in the last list, which ends with ${list.length}. Run "pontage providers" again.`,
  )
}

/** Whether a word can be a user's own name for a provider: not one that means something else. */
export const isAlias = (word: string): boolean => /^[A-Za-z][\w-]{2,31}$/.test(word) && !/^0x/i.test(word)

/** What can be typed for a provider. */
export const namesToType = ({ list, aliases }: KnownNames): string[] => [
  ...Object.keys(aliases),
  ...new Set(list.map(({ country }) => country)),
  ...list.map((_, index) => `${index + 1}`),
]
