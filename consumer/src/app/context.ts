import { type Clock, explain, systemClock, type Verdict } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  connectLink,
  createTypedData,
  type Handlers,
  type Identity,
  type KeyOptions,
  keystoreAddress,
  type Link,
  type Log,
  openChain,
  type TypedData,
  UserError,
  unlock,
} from '@pontage/shared/node'

/** An identity on a chain: what every command that signs works with. */
export interface Context {
  readonly home: string
  readonly identity: Identity
  readonly chain: Chain
  readonly typedData: TypedData
  readonly clock: Clock
  readonly log: Log
}

/** @throws UserError when the key cannot be opened or the chain not be reached. */
export async function openContext(settings: ChainOptions & KeyOptions, log: Log): Promise<Context> {
  await keystoreAddress(settings.home)
  // Opening the key takes a third of a second, in which the chain is asked.
  const opening = openChain(settings, log)
  opening.catch(() => undefined)
  const identity = await unlock(settings).catch(async (error) => {
    ;(await opening.catch(() => undefined))?.close()
    throw error
  })
  const chain = await opening
  const typedData = createTypedData(chain.deployment)
  return { home: settings.home, identity, chain, typedData, clock: systemClock, log }
}

/** Connects as this identity. */
export function link(
  context: Context,
  to: Omit<Parameters<typeof connectLink>[0], 'self' | 'log' | 'handlers'> & { handlers?: Handlers },
): Promise<Verdict<{ link: Link }>> {
  const { identity, typedData, clock, log } = context
  return connectLink({ handlers: {}, ...to, self: { identity, typedData, clock }, log })
}

/** What was asked for, or a sentence for the user. @throws UserError */
export function unwrap<Accepted extends object>(verdict: Verdict<Accepted>): Accepted {
  if (verdict.ok) return verdict
  throw new UserError(explain(verdict.refusal), { cause: verdict.refusal })
}
