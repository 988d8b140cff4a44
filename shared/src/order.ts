/** The larger of two amounts of one unit. */
export const larger = <Amount extends bigint>(a: Amount, b: Amount): Amount => (a > b ? a : b)

/** The smaller of two amounts of one unit. */
export const smaller = <Amount extends bigint>(a: Amount, b: Amount): Amount => (a < b ? a : b)

/** The least of some amounts of one unit; undefined where there is none. */
export function least<Amount extends bigint>(amounts: Iterable<Amount | undefined>): Amount | undefined {
  let low: Amount | undefined
  for (const amount of amounts) if (amount !== undefined && (low === undefined || amount < low)) low = amount
  return low
}
