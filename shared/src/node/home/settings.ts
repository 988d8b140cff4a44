import type { InferredOptionTypes } from 'yargs'
import { parseTokens } from '../../quantity.js'
import { type Chain, connectChain } from '../chain/chain.js'
import type { CommonOptions } from '../program/program.js'
import type { Flag } from '../program/settingKinds.js'
import { UserError } from '../program/userError.js'
import type { Log } from '../report/log.js'
import { nameToken } from '../report/namedToken.js'
import { tokenOf } from '../report/print.js'
import { sayingTokens } from '../report/withTokens.js'
import type { Identity } from '../signing/identity.js'
import { keystoreAddress, keystorePath } from './homeFolder.js'
import { openKeystore } from './keystore.js'
import { readPassword } from './password.js'
import { keepToken } from './tokenFile.js'

type Flags = Readonly<Record<string, Flag>>

/** Flags of every command that talks to the chain. */
export const chainFlags = {
  network: {
    type: 'string',
    requiresArg: true,
    isPath: true,
    describe:
      'Name of a network, or a file that describes one: its node, contracts and hubs serve where no others are given',
  },
  rpc: {
    type: 'string',
    default: 'http://127.0.0.1:8545',
    requiresArg: true,
    describe: 'JSON-RPC address of the chain; several, separated by commas, are tried in turn when one fails',
  },
  deployment: {
    type: 'string',
    requiresArg: true,
    isPath: true,
    describe: 'JSON file with the addresses of the contracts; by default the known deployment on that chain',
  },
  confirmations: {
    type: 'number',
    default: 2,
    requiresArg: true,
    describe: 'Blocks that must follow a block before it is relied on',
  },
  'max-gas-price': {
    type: 'string',
    default: '500',
    requiresArg: true,
    describe: 'Highest gas price a transaction may offer, in gwei (billionths of the chain’s coin)',
  },
  'max-block-age': {
    type: 'number',
    requiresArg: true,
    describe:
      'Seconds after which the newest block is too old to rely on; 180 when left out, no limit on a development chain',
  },
} as const satisfies Flags

/** Flags of every command that signs. */
export const keyFlags = {
  'password-file': {
    type: 'string',
    requiresArg: true,
    isPath: true,
    describe: 'File with the keystore’s password; by default a systemd credential, or a prompt',
  },
} as const satisfies Flags

/** `password-file` is typed, `passwordFile` is read. */
type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name

/** What a handler is given for a table of flags. */
export type Given<Table extends Flags> = {
  [Name in keyof Table as Camel<Name & string>]: InferredOptionTypes<Table>[Name]
}

export type ChainOptions = CommonOptions & Given<typeof chainFlags>
export type KeyOptions = CommonOptions & Given<typeof keyFlags>

/**
 * @param readsAtOnce - As `connectChain` takes it.
 * @throws UserError when the chain cannot be reached or is another one.
 */
export async function openChain(
  { home, network, rpc, deployment, confirmations, maxGasPrice, maxBlockAge }: ChainOptions,
  log?: Log,
  readsAtOnce = false,
): Promise<Chain> {
  const chain = await connectChain({
    // A flag that is repeated comes as a list.
    rpc: [rpc].flat().flatMap((each) => each.split(',').map((url) => url.trim())),
    ...(log ? { log } : {}),
    readsAtOnce,
    confirmations: wholeNumber('--confirmations', confirmations),
    maxFeePerGas: parseTokens(maxGasPrice, 9),
    ...(maxBlockAge === undefined
      ? {}
      : { maxHeadAgeSeconds: wholeNumber('--max-block-age', maxBlockAge, 1) }),
    ...(deployment === undefined ? {} : { deploymentFile: deployment }),
  }).catch((error) => {
    const isChosen = network !== undefined || deployment !== undefined || rpc !== chainFlags.rpc.default
    throw isChosen || !(error instanceof UserError && error.code === 'no-chain') ? error : noneChosen(error)
  })
  nameToken(tokenOf(chain))
  keepToken(home, tokenOf(chain))
  return chain
}

const noneChosen = (cause: Error): UserError =>
  new UserError(
    'No network is chosen, and no chain answers on this machine. Choose one with --network NAME, or by the questions of setup.',
    { cause, code: 'no-chain' },
  )

/** Runs `work` with a connection that is closed again, however it ends. */
export async function onChain<Result>(
  options: ChainOptions,
  work: (chain: Chain) => Promise<Result>,
  log?: Log,
): Promise<Result> {
  const chain = await openChain(options, log)
  try {
    return await sayingTokens(tokenOf(chain), () => work(chain))
  } finally {
    chain.close()
  }
}

/** The identity of a home. @throws UserError for a missing keystore or a wrong password. */
export async function unlock({ home, passwordFile }: KeyOptions): Promise<Identity> {
  const path = keystorePath(home)
  // Nobody is asked for the password of what is not there.
  await keystoreAddress(home)
  return openKeystore(path, await readPassword(passwordFile, `Password of ${path}: `))
}

/** @throws RangeError unless `value` is a whole number between the limits. */
export function wholeNumber(flag: string, value: number, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`
  const seen = Number.isNaN(value) ? 'not a number' : value
  throw new RangeError(`${flag} is ${seen}: expected a whole number ${range}.`)
}
