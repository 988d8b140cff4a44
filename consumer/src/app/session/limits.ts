import { parseBytes, parseTimePrice, parseTokens, parseTrafficPrice } from '@pontage/shared'
import { type CommonOptions, readConfiguration, UserError } from '@pontage/shared/node'
import {
  exactDecimals,
  joinLimits,
  type Left,
  type Limits,
  leftOf,
  monthOf,
  type Period,
  parseLimit,
  type Used,
} from '../../core/limits.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'

/** Flags that limit what is used and paid. Each holds together with the same one of the configuration. */
export const limitFlags = {
  cap: {
    type: 'string',
    requiresArg: true,
    describe:
      'Most traffic in both directions together: 500MB per connection, or 10GB/month; can be repeated',
  },
  budget: {
    type: 'string',
    requiresArg: true,
    describe:
      'Most tokens to spend: 1 per connection, or 5/month; can be repeated. Default: the price of the cap (10 GB without one), and of a day where time is charged',
  },
  'max-price': {
    type: 'string',
    requiresArg: true,
    describe:
      'Highest price to accept, in tokens: 0.1/GB for traffic, 0.01/h for time; can be repeated. Without one for time, providers that charge for time are not used',
  },
} as const

type Words = string | readonly string[]
export interface LimitOptions {
  readonly cap?: Words
  readonly budget?: Words
  readonly maxPrice?: Words
}

/**
 * The limits of flag, environment and configuration together: none of them lifts another's. Exact, whatever the token:
 * `inToken` makes amounts of its own unit of them.
 *
 * @throws RangeError for one that cannot be read, or that lets nothing through.
 */
export function limitsFrom(argv: CommonOptions & LimitOptions): Limits {
  const decimals = exactDecimals
  const configured = readConfiguration(argv.home)
  const of = (camel: keyof LimitOptions, dashed: string): string[] => {
    const variable = `PONTAGE_CONSUMER_${dashed.replaceAll('-', '_').toUpperCase()}`
    const given = [argv[camel], process.env[variable], configured[dashed], configured[camel]].flat()
    const named = given.filter((each) => each !== undefined && each !== null && each !== '').map(String)
    return [...new Set(named)]
  }
  const prices = of('maxPrice', 'max-price').map((text): Limits['maxPrice'] =>
    /\/\s*h\s*$/.test(text)
      ? { perHour: parseTimePrice(text, decimals) }
      : { perMegabyte: parseTrafficPrice(text, decimals) },
  )
  return joinLimits([
    {
      maxPrice: {},
      caps: of('cap', 'cap').map((text) => something('--cap', parseLimit(text, parseBytes), '500MB')),
      budgets: of('budget', 'budget').map((text) =>
        something(
          '--budget',
          parseLimit(text, (amount) => parseTokens(amount, decimals)),
          '1',
        ),
      ),
    },
    ...prices.map((maxPrice) => ({ maxPrice, caps: [], budgets: [] })),
  ])
}

/** A cap or a budget that leaves nothing: no other provider changes that. */
export class UsedUp extends UserError {}

/** The kernel stops that much short of a cap at most: a session for the rest of it would carry nothing. */
const largestPacket = 65_536n

/** What everything of this home may still use and spend in this month: its sessions use it up together. */
export function leftOfMonth(
  { calendar }: Pick<Context, 'calendar'>,
  journal: Pick<Journal, 'trail'>,
  limits: Limits,
): Left {
  const [caps, budgets] = [limits.caps.filter(isOfMonth), limits.budgets.filter(isOfMonth)]
  if (caps.length === 0 && budgets.length === 0) return { cap: undefined, budget: undefined }
  const month = monthOf(calendar.now())
  const { usage } = journal.trail()
  const used = { bytes: usage.usedIn(month), spent: usage.spentIn(month) }
  return leftOf({ caps, budgets }, { month: used, connect: used })
}

const isOfMonth = ({ period }: { readonly period: Period }): boolean => period === 'month'

/**
 * What one more session may use and spend.
 *
 * @param connected - What this `connect` used and spent so far.
 * @throws UsedUp when a cap or a budget is.
 */
export function leftNow(
  { calendar }: Pick<Context, 'calendar'>,
  journal: Journal,
  limits: Limits,
  connected: Used,
): Left {
  const month = monthOf(calendar.now())
  const trail = journal.trail()
  const left = leftOf(limits, {
    connect: connected,
    month: { bytes: trail.usage.usedIn(month), spent: trail.usage.spentIn(month) },
  })
  const isUsed = connected.bytes + trail.usage.usedIn(month) > 0n
  if (left.cap === 0n || (isUsed && left.cap !== undefined && left.cap < largestPacket))
    throw new UsedUp(`The cap is used up (${month}, UTC). Raise --cap, or wait for the next month.`)
  if (left.budget === 0n)
    throw new UsedUp(`The budget is spent (${month}, UTC). Raise --budget, or wait for the next month.`)
  return left
}

function something<Amount extends bigint>(
  flag: string,
  limit: { amount: Amount; period: Limits['budgets'][number]['period'] },
  example: string,
) {
  if (limit.amount === (0n as Amount))
    throw new RangeError(`A ${flag} of 0 lets nothing through. Give one such as ${example}.`)
  return limit
}
