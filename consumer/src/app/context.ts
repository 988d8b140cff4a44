import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Address,
  address,
  type Clock,
  explain,
  type Refusal,
  systemClock,
  type Verdict,
} from '@pontage/shared'
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
  await requireKeystore(settings.home)
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

/** The address of the home's key; no password is needed to read it. @throws UserError when there is no key. */
export async function readAddress(home: string): Promise<Address> {
  const path = keystorePath(home)
  const text = await requireKeystore(home)
  try {
    const { address: digits } = JSON.parse(text) as { address: string }
    return address(digits.startsWith('0x') ? digits : `0x${digits}`)
  } catch (cause) {
    throw new UserError(`${path} is not a version 3 keystore. Restore it from your backup.`, { cause })
  }
}

/** Said before a password is asked for. */
const requireKeystore = (home: string): Promise<string> =>
  readFile(keystorePath(home), 'utf8').catch((cause) => {
    throw new UserError(
      `No keystore can be read at ${keystorePath(home)}. Run "pontage init" first, or name its --home.`,
      { cause },
    )
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
export function granted<Accepted extends object>(verdict: Verdict<Accepted>): Accepted {
  if (verdict.ok) return verdict
  throw new UserError(explain(verdict.refusal), { cause: verdict.refusal })
}

/** @throws UserError with the refusal's sentence. */
export function refuseUser(refusal: Refusal): never {
  throw new UserError(explain(refusal), { cause: refusal })
}
