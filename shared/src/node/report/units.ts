import { coinDecimals, type TokenNames } from '../../quantity.js'

/** What an amount in a JSON object counts. */
type Kind = 'token' | 'token/MB' | 'token/h' | 'coin' | 'gas' | 'byte'

/**
 * What each field of a JSON object counts, by its name, or by the name above it and its own where that alone says not
 * enough. A field that holds a bigint has to stand here: the compiler asks for it.
 */
const kinds = {
  ...each('token', [
    ...([
      'accepted',
      'advance',
      'advanceNeeded',
      'amount',
      'balance',
      'base',
      'budgetLeft',
      'budgetLeftWei',
    ] as const),
    ...([
      'ceiling',
      'cleared',
      'collateral',
      'credited',
      'debt',
      'deposit',
      'drawn',
      'drawnOnChain',
      'due',
      'fee',
      'fees',
      'guaranteed',
    ] as const),
    ...([
      'hubTotal',
      'liveCeiling',
      'locked',
      'lost',
      'missing',
      'mostToSpend',
      'needed',
      'owed',
      'paid',
    ] as const),
    ...([
      'pendingWithdrawal',
      'pool',
      'promised',
      'protested',
      'promisedWei',
      'redeemed',
      'relayFee',
      'relayFees',
    ] as const),
    ...([
      'reserved',
      'returned',
      'spare',
      'spent',
      'spentWei',
      'stake',
      'sum',
      'time',
      'tokens',
      'total',
      'traffic',
    ] as const),
    ...(['unbonding', 'undrawn', 'withheld', 'budget.used', 'budget.left'] as const),
    ...(['channel.used', 'channel.left'] as const),
  ]),
  ...each('token/MB', ['price', 'pricePerMegabyte', 'perMegabyte']),
  ...each('token/h', ['pricePerHour', 'perHour']),
  ...each('coin', ['coin', 'gasCoin', 'gasCoins', 'gasPaid', 'gasPrice']),
  ...each('gas', ['gas', 'gasUsed']),
  ...each('byte', ['bytes', 'downBytes', 'upBytes', 'cap.used', 'cap.left']),
} as const

/** A field whose unit is known. */
export type Counted = keyof typeof kinds

/** What one field counts, for a program: amounts of tokens and coin are whole numbers of 10^-decimals. */
export interface Unit {
  readonly unit: Kind
  /** What the token is called; null where this home has not been on a chain yet. */
  readonly symbol?: string | null
  readonly decimals?: number | null
}

/** The unit of a field; undefined for one that is no amount. @param above - Name of the field that holds it */
export function unitOf(
  name: string,
  above: string,
  token: TokenNames | undefined,
): readonly [name: string, unit: Unit] | undefined {
  const known = [`${above}.${name}`, name].find((each): each is Counted => Object.hasOwn(kinds, each))
  if (known === undefined) return undefined
  const unit = kinds[known]
  if (unit === 'gas' || unit === 'byte') return [known, { unit }]
  if (unit === 'coin') return [known, { unit, decimals: coinDecimals }]
  return [known, { unit, symbol: token?.symbol ?? null, decimals: token?.decimals ?? null }]
}

function each<Name extends string, Of extends Kind>(kind: Of, names: readonly Name[]): Record<Name, Of> {
  return Object.fromEntries(names.map((name) => [name, kind])) as Record<Name, Of>
}
