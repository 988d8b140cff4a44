import { join } from 'node:path'
import {
  type Chain,
  type CommonOptions,
  connectChain,
  type Identity,
  openKeystore,
  readPassword,
} from '@pontage/shared/node'
import type { Options as YargsOption } from 'yargs'

/** Flags of every command that talks to the chain. */
export interface ChainOptions extends CommonOptions {
  rpc: string
  deployment: string | undefined
  confirmations: number
}

/** Flags of every command that signs. */
export interface KeyOptions {
  passwordFile: string | undefined
}

export const chainFlags = {
  rpc: {
    type: 'string',
    default: 'http://127.0.0.1:8545',
    requiresArg: true,
    describe: 'JSON-RPC address of the chain',
  },
  deployment: {
    type: 'string',
    requiresArg: true,
    describe: 'JSON file of the contracts’ addresses (default: the committed one of the chain)',
  },
  confirmations: {
    type: 'number',
    default: 2,
    requiresArg: true,
    describe: 'Blocks that must follow one before it is relied upon',
  },
} satisfies Record<string, YargsOption>

export const keyFlags = {
  'password-file': {
    type: 'string',
    requiresArg: true,
    describe: 'File with the keystore’s password (default: systemd credential, else asked for)',
  },
} satisfies Record<string, YargsOption>

export const jsonFlag = {
  json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
} satisfies Record<string, YargsOption>

export const keystorePath = (home: string): string => join(home, 'keystore.json')

export const connect = ({ rpc, deployment, confirmations }: ChainOptions): Promise<Chain> =>
  connectChain({
    rpc,
    confirmations: whole('confirmations', confirmations),
    ...(deployment === undefined ? {} : { deploymentFile: deployment }),
  })

export const unlock = async ({ home, passwordFile }: CommonOptions & KeyOptions): Promise<Identity> =>
  openKeystore(keystorePath(home), await readPassword(passwordFile, `Password of ${keystorePath(home)}: `))

/** @throws RangeError unless `value` is a whole number between the limits. */
export function whole(name: string, value: number, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new RangeError(
    `--${name} is ${Number.isNaN(value) ? 'not a number' : value}: expected a whole number ${most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`}.`,
  )
}

/** Runs `work` with a connection that is closed again, however it ends. */
export async function onChain<Result>(
  options: ChainOptions,
  work: (chain: Chain) => Promise<Result>,
): Promise<Result> {
  const chain = await connect(options)
  try {
    return await work(chain)
  } finally {
    chain.close()
  }
}
