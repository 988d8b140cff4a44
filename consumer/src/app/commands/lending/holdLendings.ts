import { address } from '@pontage/shared'
import { type ControlHandlers, type ControlRequest, UserError } from '@pontage/shared/node'
import { inToken } from '../../../core/limits.js'
import { workIn } from '../../../io/home/workingHome.js'
import { openContext } from '../../context.js'
import type { Lendings, LendWishes } from '../../lend/lendings.js'
import type { Lender } from '../../lend/lendOut.js'
import { expectedUse } from '../../market/expectedUse.js'
import { type LimitOptions, limitsFrom } from '../../session/limits.js'
import { logFrom, type Settings } from '../settings.js'

type LenderOptions = Settings &
  LimitOptions &
  Parameters<typeof expectedUse>[0] & { readonly hub?: string | undefined }

/**
 * Opens chain, key and journal.
 *
 * @param given - Limits for all lendings besides those of environment and configuration.
 * @throws UserError when one cannot be opened.
 */
export async function openLender(
  argv: LenderOptions,
  given: LimitOptions = {},
): Promise<Lender & { close(): Promise<void> }> {
  const { cap: _, budget: __, maxPrice: ___, ...others } = argv
  const limits = limitsFrom({ ...others, ...given })
  const { journal, release } = await workIn(argv.home)
  try {
    const context = await openContext(argv, logFrom(argv))
    return {
      ...{ context, journal, use: expectedUse(argv) },
      general: inToken(limits, context.chain.tokenDecimals),
      hub: argv.hub === undefined ? undefined : address(argv.hub),
      async close() {
        context.chain.close()
        await release()
      },
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** What a program answers that holds lendings. */
export const handlersOf = (lendings: Pick<Lendings, 'lend' | 'list' | 'forget'>): ControlHandlers => ({
  lend: async (request) => lendings.lend(wishesIn(request)),
  lendings: () => lendings.list(),
  async stopLending({ name }) {
    await lendings.forget(String(name))
    return { stopped: String(name) }
  },
})

const maxTexts = 4
const maxLength = 64

/** What a request to lend says: nothing else than these few texts. @throws UserError for anything else */
export function wishesIn({ name, provider, country, limits }: ControlRequest): LendWishes {
  const text = (what: string, value: unknown): string => {
    if (typeof value === 'string' && value.length <= maxLength) return value
    throw new UserError(`"${what}" has to be a short text, as the flag of that name takes it.`)
  }
  const maybe = (what: string, value: unknown) => (value === undefined ? undefined : text(what, value))
  const several = (what: string, value: unknown): string[] => {
    if (!Array.isArray(value) || value.length > maxTexts)
      throw new UserError(`"${what}" has to be a few texts.`)
    return value.map((each) => text(what, each))
  }
  const { budget, cap, rate, maxPrice } = (limits ?? {}) as Record<string, unknown>
  return {
    ...{
      name: text('name', name),
      provider: maybe('provider', provider),
      country: maybe('country', country),
    },
    limits: {
      ...{ budget: several('budget', budget), cap: several('cap', cap) },
      ...{ rate: maybe('rate', rate), maxPrice: several('maxPrice', maxPrice) },
    },
  }
}
