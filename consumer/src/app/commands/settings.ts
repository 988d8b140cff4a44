import {
  type ChainOptions,
  CommandFailed,
  type CommonOptions,
  chainFlags,
  createLog,
  type KeyOptions,
  keyFlags,
  type Log,
  printLines,
  UserError,
} from '@pontage/shared/node'
import type { Argv, CommandModule } from 'yargs'
import { wrapped } from '../../core/screen.js'
import { type ConnectionRecord, isRunning, readConnection } from '../../io/home/connectionFile.js'
import { isLockedDown } from '../../io/kernel/lockdown.js'

/** Settings that init writes to the configuration file: every command knows them, few need them all. */
export const settings = {
  ...chainFlags,
  ...keyFlags,
  proxy: {
    type: 'string',
    requiresArg: true,
    describe:
      'SOCKS5 proxy for all that goes out beside the tunnel, and for the tunnel itself: socks5://[USER:PASSWORD@]ADDRESS:PORT',
  },
} as const
export type Settings = ChainOptions & KeyOptions

/** Adds them to a command. */
export const withSettings = (yargs: Argv<CommonOptions>) => yargs.options(settings)

export const logFrom = (argv: Settings): Log => createLog('pontage', argv.logLevel)

/** A sentence for a person; on a terminal broken between words. */
export const printLine = (text: string): void => {
  // A terminal that does not know its width says zero.
  const { isTTY, columns } = process.stdout
  printLines(isTTY && columns > 0 ? wrapped(text, columns) : text)
}

/** Where our own rules keep a command from the chain, they are the reason, and not the node. */
async function whyNoChain(home: string, error: UserError): Promise<UserError> {
  const record = await readConnection(home).catch(() => undefined)
  const isRoot = process.getuid?.() === 0
  const ours = isLeftShut(record)
    ? 'the kill switch is on, since an earlier connection was not ended. Run "pontage disconnect" first'
    : isLockedDown() && !isRoot
      ? 'lockdown lets out what root runs, and nobody else. Use sudo'
      : undefined
  return ours === undefined
    ? error
    : new UserError(`The chain cannot be reached: ${ours}.`, { cause: error, code: 'no-chain' })
}

/** Whether a connection is over, or looks for a provider, and lets nothing out. */
const isLeftShut = (record: ConnectionRecord | undefined): boolean =>
  record !== undefined && record.netns === undefined && (record.state === 'blocked' || !isRunning(record))

/**
 * A command whose options are as its handler reads them; yargs tells of them by their dashed names.
 * What a system command refused is a sentence for the user, not a stack.
 */
export const command = <Options extends CommonOptions>(module: {
  command: string
  describe: string
  builder: (yargs: Argv<CommonOptions>) => unknown
  handler: (argv: Options) => void | Promise<void>
}): CommandModule<CommonOptions, never> =>
  ({
    ...module,
    async handler(argv: Options) {
      try {
        await module.handler(argv)
      } catch (error) {
        if (error instanceof UserError && error.code === 'no-chain') throw await whyNoChain(argv.home, error)
        if (!(error instanceof CommandFailed)) throw error
        const said = error.message.replaceAll(/\s*\n\s*/g, '; ')
        throw new UserError(`${said}. Check the permissions of this process and what is installed.`, {
          cause: error,
        })
      }
    },
  }) as never
