import type { Address } from '../../units.js'
import type { Chain } from '../chain/chain.js'
import { type KeyOrigin, keyOriginFlags } from '../home/keyOriginFlags.js'
import { type ChainOptions, chainFlags, type KeyOptions, unlock } from '../home/settings.js'
import { readConfiguration } from '../program/configuration.js'
import { UserError } from '../program/userError.js'
import type { Identity } from '../signing/identity.js'

/** Flags of every wizard, beside the settings of its program. */
export const setupFlags = {
  ...keyOriginFlags,
  backup: {
    type: 'boolean',
    default: true,
    describe: 'Keep the words of the new key; --no-backup does without',
  },
  wait: {
    type: 'number',
    requiresArg: true,
    describe: 'Seconds to wait for funds; by default for ever at a terminal, else not at all',
  },
  service: {
    type: 'boolean',
    describe: 'Start the service of this program now and at every boot (needs root and systemd)',
  },
} as const

/** What a wizard is given: settings of its program and its own flags, with the names that handlers read. */
export type SetupOptions = Writable<ChainOptions & KeyOptions & KeyOrigin> & {
  backup: boolean
  wait?: number
  service?: boolean
} & { [setting: string]: unknown }

type Writable<Value> = { -readonly [Name in keyof Value]: Value[Name] }

/** What a wizard knows so far. */
export interface Known {
  readonly program: string
  readonly home: string
  readonly given: SetupOptions
  readonly isAtTerminal: boolean
  /** Whether node and contracts are given themselves: then no network takes their place. */
  readonly own: { readonly rpc: boolean; readonly deployment: boolean }
  /** Whether a key is there already. */
  readonly hasKey: boolean
  /** Where a new key comes from. */
  keyFrom: 'new' | 'words' | 'key'
  /** Hubs that the network lists. */
  hubs: readonly Address[]
  /** Answers that are settings, by name: the configuration keeps them. */
  readonly answers: Map<string, string | readonly string[]>
  password?: string
  chain?: Chain
  address?: Address
}

/** The chain, once the network is known. @throws UserError before */
export function chainOf({ chain }: Known): Chain {
  if (chain === undefined) throw new UserError('Not checked: the chain cannot be asked yet.')
  return chain
}

/** The key's address, once there is one. */
export function addressOf({ address }: Known): Address {
  if (address === undefined) throw new Error('A step asked for the address before there was a key.')
  return address
}

export const identityOf = ({ given }: Known): Promise<Identity> => unlock(given)

/** Takes in an answer: from now on every command of this run finds it, and the configuration will keep it. */
export function takeSetting(
  { given, answers }: Known,
  name: string,
  value: string | readonly string[],
): void {
  given[name] = value
  given[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())] = value
  answers.set(name, value)
}

/** The text of a setting that is known; undefined where it is not, or only by default. */
export function settingGiven({ given }: Known, name: string): string | undefined {
  const value = given[name]
  return value === undefined ? undefined : [value].flat().join(',')
}

/** Which of node and contracts are named themselves, and not by a network. */
export function ownNode(given: SetupOptions): Known['own'] {
  const written = readConfiguration(given.home)
  const isOwn = (setting: 'rpc' | 'deployment', isSet: boolean) =>
    given.typed?.has(setting) === true || setting in written || (given.network === undefined && isSet)
  return {
    rpc: isOwn('rpc', [given.rpc].flat().join() !== chainFlags.rpc.default),
    deployment: isOwn('deployment', given.deployment !== undefined),
  }
}
