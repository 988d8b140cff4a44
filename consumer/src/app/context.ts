import { join } from 'node:path'
import { type Clock, explain, type Refusal, systemClock, type Verdict } from '@pontage/shared'
import {
  type Chain,
  connectChain,
  connectLink,
  createTypedData,
  type Handlers,
  type Identity,
  type Link,
  type Log,
  openKeystore,
  readPassword,
  type TypedData,
  UserError,
} from '@pontage/shared/node'

/** Where the chain is, as every command that needs it is told. */
export interface ChainSettings {
  readonly rpc: string
  readonly deployment: string | undefined
  readonly confirmations: number
}

/** Where the key is, and how it is opened. */
export interface KeySettings {
  readonly home: string
  readonly passwordFile: string | undefined
}

/** An identity on a chain: what every command that signs works with. */
export interface Context {
  readonly home: string
  readonly identity: Identity
  readonly chain: Chain
  readonly typedData: TypedData
  readonly clock: Clock
  readonly log: Log
}

export const openChain = (settings: ChainSettings): Promise<Chain> =>
  connectChain({
    rpc: settings.rpc,
    confirmations: settings.confirmations,
    ...(settings.deployment === undefined ? {} : { deploymentFile: settings.deployment }),
  })

export const keystorePath = (home: string): string => join(home, 'keystore.json')

/** @throws UserError when the key cannot be opened or the chain not be reached. */
export async function openContext(settings: ChainSettings & KeySettings, log: Log): Promise<Context> {
  const chain = await openChain(settings)
  try {
    const password = await readPassword(settings.passwordFile, 'Password of the keystore: ')
    const identity = await openKeystore(keystorePath(settings.home), password)
    const typedData = createTypedData(chain.deployment)
    return { home: settings.home, identity, chain, typedData, clock: systemClock, log }
  } catch (error) {
    chain.close()
    throw error
  }
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
export function granted<Accepted extends object>(verdict: Verdict<Accepted>): Accepted {
  if (verdict.ok) return verdict
  throw new UserError(explain(verdict.refusal), { cause: verdict.refusal })
}

/** @throws UserError with the refusal's sentence. */
export function refuseUser(refusal: Refusal): never {
  throw new UserError(explain(refusal), { cause: refusal })
}
