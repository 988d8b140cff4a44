import { address, parseTokens } from '@pontage/shared'
import { exitCode, wholeNumber } from '@pontage/shared/node'
import type { EndReason } from '../../core/session.js'
import { openJournal } from '../../io/journal.js'
import { lockHome } from '../../io/lock.js'
import { connect } from '../connect.js'
import { openContext } from '../context.js'
import { type LimitOptions, limitFlags, limitsFrom } from '../limits.js'
import { requireFreeMachine } from '../machine.js'
import { humanScreen, jsonScreen } from '../screen.js'
import { command, logFrom, type Settings, withSettings } from './settings.js'

interface Options extends Settings, LimitOptions {
  provider?: string
  country?: string
  hub?: string
  deposit?: string
  maxRelayFee: string
  interface?: string
  netns?: string
  allowLan: boolean
  patience: number
  retryFor: number
  json: boolean
}

/** No token has more: what is too fine for this one is found out once its own are known. */
const mostDecimals = 77

/** Ends that the user asked for, one way or the other. */
const wanted: readonly EndReason[] = ['user', 'cap', 'budget', 'ceiling']

export const connectCommand = command<Options>({
  command: 'connect [provider]',
  describe: 'Bring up the tunnel behind the kill switch, and pay for each megabyte',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('provider', {
        type: 'string',
        describe: 'Address of a provider; default: the cheapest sound one',
      })
      .options(limitFlags)
      .option('country', { type: 'string', describe: 'Only providers in this country, such as DE' })
      .option('hub', { type: 'string', describe: 'Pay through this hub only' })
      .option('deposit', {
        type: 'string',
        describe: 'Open a channel with so many tokens where there is none',
      })
      .option('max-relay-fee', {
        type: 'string',
        default: '0.1',
        describe: 'Most tokens a hub may take for sending one transaction',
      })
      .option('interface', { type: 'string', describe: 'Name of the tunnel’s interface' })
      .option('netns', {
        type: 'string',
        requiresArg: true,
        describe: 'For the programs in this network namespace only; made where there is none of that name',
      })
      .option('allow-lan', {
        type: 'boolean',
        default: false,
        describe: 'Let the local network be talked to behind the kill switch',
      })
      .option('patience', {
        type: 'number',
        default: 6,
        requiresArg: true,
        describe: 'Seconds to wait for a provider that fell silent before the next one is tried',
      })
      .option('retry-for', {
        type: 'number',
        default: 30,
        requiresArg: true,
        describe: 'Seconds to go on looking for a provider after one was lost',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print one event a line' }),
  async handler(argv) {
    limitsFrom(argv, mostDecimals) // What cannot be read is better said before anything is asked or locked.
    const provider = argv.provider === undefined ? undefined : address(argv.provider)
    const hub = argv.hub === undefined ? undefined : address(argv.hub)
    await requireFreeMachine(argv.home, argv.interface)
    const stop = new AbortController()
    const onSignal = () => stop.abort()
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
    // A closed terminal does not end a session that others rely on; "pontage disconnect" does.
    process.on('SIGHUP', () => {})
    const lock = await lockHome(argv.home)
    const log = logFrom(argv)
    const context = await openContext(argv, log).catch(async (error) => {
      await lock.release()
      throw error
    })
    const { chain } = context
    const token = { decimals: chain.tokenDecimals, symbol: chain.tokenSymbol }
    const journal = await openJournal(argv.home)
    try {
      const write = (text: string) => void process.stdout.write(text)
      const columns = process.stdout.isTTY ? () => process.stdout.columns ?? 80 : undefined
      const { country, deposit } = argv
      const reason = await connect(
        context,
        journal,
        {
          provider,
          hub,
          country,
          interface: argv.interface,
          netns: argv.netns,
          allowLan: argv.allowLan,
          patienceMs: wholeNumber('--patience', argv.patience, 1) * 1_000,
          retryForMs: wholeNumber('--retry-for', argv.retryFor) * 1_000,
          limits: limitsFrom(argv, token.decimals),
          deposit: deposit === undefined ? undefined : parseTokens(deposit, token.decimals),
          maxRelayFee: parseTokens(argv.maxRelayFee, token.decimals),
        },
        argv.json ? jsonScreen(write) : humanScreen(write, token, columns),
        stop.signal,
      )
      if (!wanted.includes(reason)) process.exitCode = exitCode.failed
    } finally {
      await journal.close()
      chain.close()
      await lock.release()
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    }
  },
})
