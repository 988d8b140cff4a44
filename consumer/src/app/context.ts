import { type Address, type Clock, explain, systemClock, type Verdict } from '@pontage/shared'
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
import { type Calendar, createCalendar } from '../io/calendar.js'

/** An identity on a chain: what every command that signs works with. */
export interface Context {
  readonly home: string
  readonly identity: Identity
  readonly chain: Chain
  readonly typedData: TypedData
  readonly clock: Clock
  readonly calendar: Calendar
  readonly log: Log
}

/** What can be done before the key is open: reading the chain, as whoever the keystore says that it belongs to. */
export type Reader = Omit<Context, 'identity'> & { readonly identity: Pick<Identity, 'address'> }

/** A context whose key may still be being opened. */
export interface Opening {
  readonly reader: Reader
  /** Rejects with a UserError when the key does not open. */
  readonly context: Promise<Context>
}

/** @throws UserError when the key cannot be opened or the chain not be reached. */
export async function openContext(settings: ChainOptions & KeyOptions, log: Log): Promise<Context> {
  const address = await keystoreAddress(settings.home)
  // Opening the key takes a third of a second, in which the chain is asked.
  const opening = openChain(settings, log)
  opening.catch(() => undefined)
  const identity = await unlock(settings).catch(async (error) => {
    ;(await opening.catch(() => undefined))?.close()
    throw error
  })
  return { ...readerOf(settings.home, address, await opening, log), identity }
}

/**
 * The same without waiting for the key, which does not open before somebody has typed the password unless that is in a file.
 *
 * @param unlocking - The key, which is being opened.
 * @throws UserError when the chain cannot be reached.
 */
export async function beginContext(
  settings: ChainOptions & KeyOptions,
  log: Log,
  unlocking: Promise<Identity>,
): Promise<Opening> {
  const address = await keystoreAddress(settings.home)
  const reader = readerOf(settings.home, address, await openChain(settings, log, true), log)
  const context = unlocking.then((identity) => ({ ...reader, identity }))
  context.catch(() => undefined) // Whoever waits for it hears of it.
  return { reader, context }
}

/** A context that is open, for whoever would wait for one. */
export const alreadyOpen = (context: Context): Opening => ({
  reader: context,
  context: Promise.resolve(context),
})

const readerOf = (home: string, address: Address, chain: Chain, log: Log): Reader => ({
  ...{ home, chain, clock: systemClock, log, identity: { address } },
  calendar: createCalendar(systemClock),
  typedData: createTypedData(chain.deployment),
})

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
