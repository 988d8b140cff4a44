/** The smaller of two quantities of one unit. */
export const smaller = <Amount extends bigint>(a: Amount, b: Amount): Amount => (a < b ? a : b)

/** The larger of two quantities of one unit. */
export const larger = <Amount extends bigint>(a: Amount, b: Amount): Amount => (a > b ? a : b)
