import type { TokenNames } from '../../quantity.js'
import { type Counted, type Unit, unitOf } from './units.js'

/** Version of what docs/json.md describes; it rises when a field changes its meaning or goes. */
export const jsonSchema = 1

/** The names, at any depth, of fields with a bigint of which nobody has said what it counts. */
type Uncounted<Value, Above = ''> = Value extends readonly (infer Each)[]
  ? Uncounted<Each, Above>
  : Value extends (...given: never[]) => unknown
    ? never
    : Value extends object
      ? {
          [Name in keyof Value]-?: Extract<Value[Name], bigint> extends never
            ? Uncounted<Exclude<Value[Name], string | number | boolean | null | undefined>, Name>
            : Name extends Counted
              ? never
              : `${Above & string}.${Name & string}` extends Counted
                ? never
                : Name
        }[keyof Value]
      : never

/** An object that may be printed: what each of its amounts counts is known. */
export type Printable<Value> = [Uncounted<Value>] extends [never]
  ? Value
  : { readonly 'say in units.ts what this counts': Uncounted<Value> }

/**
 * One line of JSON that says which contract it follows: the object, with amounts as decimal strings, between the version
 * and the units of its amounts.
 *
 * @param first - Fields that stand before all others.
 */
export function jsonLine(value: object, token: TokenNames | undefined, first: object = {}): string {
  const units: Record<string, Unit> = {}
  const text = JSON.stringify({ ...first, schema: jsonSchema, ...value }, (_name, each) =>
    typeof each === 'bigint' ? each.toString() : each,
  )
  note(value, '', token, units)
  if (Object.keys(units).length === 0) return text
  return `${text.slice(0, -1)},"units":${JSON.stringify(units)}}`
}

const isAmount = (value: unknown): boolean =>
  typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+$/.test(value))

/** Collects the units of all amounts in a value. @param above - Name of the field that the value stands in */
function note(
  value: unknown,
  above: string,
  token: TokenNames | undefined,
  units: Record<string, Unit>,
): void {
  if (Array.isArray(value)) for (const each of value) note(each, above, token, units)
  else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(value)) {
      const unit = isAmount(each) ? unitOf(name, above, token) : undefined
      if (unit !== undefined) units[unit[0]] = unit[1]
      note(each, name, token, units)
    }
}
