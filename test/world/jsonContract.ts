/** What docs/json.md asks of the one object that a command prints. */
interface Contract {
  readonly schema: 1
  readonly units?: Readonly<Record<string, { readonly unit: string; readonly symbol?: string | null }>>
}

/** Long runs of digits are amounts: counts and times are shorter. */
const isLikeAmount = (value: unknown): boolean => typeof value === 'string' && /^\d{11,}$/.test(value)

/**
 * @param hasToken - Whether the home has been on a chain, and so knows what the token is called.
 * @throws Error unless the text is one line, one object, of the version, with the unit of each amount.
 */
export function readContract(printed: string, hasToken = true): Record<string, unknown> {
  if (printed.trim().split('\n').length !== 1) throw new Error(`Not one line of JSON: ${printed}`)
  const { schema, units = {}, ...said } = JSON.parse(printed) as Contract & Record<string, unknown>
  if (schema !== 1) throw new Error(`No version of the contract: ${printed}`)
  for (const [field, above] of amountsIn(said, ''))
    if (!(field in units) && !(`${above}.${field}` in units))
      throw new Error(`What ${field} counts is not said: ${printed}`)
  for (const [field, { unit, symbol }] of Object.entries(units))
    if (unit.startsWith('token') && (hasToken ? typeof symbol !== 'string' : symbol !== null))
      throw new Error(`The token of ${field} is not named: ${printed}`)
  return said
}

function* amountsIn(value: unknown, above: string): Generator<[field: string, above: string]> {
  if (Array.isArray(value)) for (const each of value) yield* amountsIn(each, above)
  else if (typeof value === 'object' && value !== null)
    for (const [field, each] of Object.entries(value))
      if (isLikeAmount(each)) yield [field, above]
      else yield* amountsIn(each, field)
}
