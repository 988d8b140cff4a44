import { address } from '@pontage/shared'
import { type ControlRequest, UserError } from '@pontage/shared/node'

/** What a member may say of the connection that it asks for, each a text as a flag of `connect` takes it. */
const wishNames = ['country', 'cap', 'budget', 'maxPrice'] as const
type WishName = (typeof wishNames)[number]
const maxTexts = 4
const maxLength = 64

/** The flags of `connect` that a member may use through the service. */
export const wishFlags = ['country', 'cap', 'budget', 'max-price'] as const

/** What a member asks for. */
export type Wishes = { readonly provider?: string | undefined } & {
  readonly [name in WishName]?: string | readonly string[] | undefined
}

/**
 * What a request to connect says: nothing else than these few texts is taken from whoever asks.
 *
 * @param settled - Settings that stand already: whoever runs the service has decided them.
 * @throws UserError for anything else.
 */
export function wishesIn(
  { type: _, ...fields }: ControlRequest,
  settled: Readonly<Record<string, unknown>>,
): Wishes {
  const { provider, ...others } = fields
  if (provider !== undefined && typeof provider !== 'string')
    throw new UserError('"provider" has to be the address of a provider.')
  for (const [name, value] of Object.entries(others)) {
    if (!wishNames.includes(name as WishName))
      throw new UserError(`The service takes no "${name}". Only root may decide that, in its settings.`)
    if (settled[name] !== undefined)
      throw new UserError(`Who runs the service has settled "${name}": leave it out.`)
    const texts = Array.isArray(value) ? value : [value]
    if (
      texts.length > maxTexts ||
      !texts.every((text) => typeof text === 'string' && text.length <= maxLength)
    )
      throw new UserError(`"${name}" has to be a short text, as the flag of that name takes it.`)
  }
  return { ...(others as Wishes), ...(provider === undefined ? {} : { provider: address(provider) }) }
}
