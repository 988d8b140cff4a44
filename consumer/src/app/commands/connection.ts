import { address, parseTokens } from '@pontage/shared'
import { exitCode, type Given, tokenOf, UserError, wholeNumber } from '@pontage/shared/node'
import type { Limits } from '../../core/limits.js'
import type { EndReason } from '../../core/session.js'
import { openJournal } from '../../io/home/journal.js'
import { lockHome } from '../../io/home/lock.js'
import { controlPath, listenControl } from '../../io/link/controlSocket.js'
import { connect } from '../connect/connect.js'
import { watched } from '../connect/live.js'
import { demandShellIsSafe, requireFreeMachine } from '../connect/machine.js'
import { humanScreen, jsonScreen, type Screen } from '../connect/screen.js'
import { status } from '../connect/status.js'
import { openContext } from '../context.js'
import { expectedUse, useFlags } from '../market/expectedUse.js'
import { type LimitOptions, limitFlags, limitsFrom } from '../session/limits.js'
import { logFrom, type Settings } from './settings.js'

/** Where a running connection is asked. */
export const controlFlag = {
  control: {
    type: 'string',
    requiresArg: true,
    describe: 'Socket for status and disconnect; by default control.sock in the home folder',
  },
} as const

/** Flags of the commands that connect. */
export const connectionFlags = {
  ...limitFlags,
  ...useFlags,
  country: { type: 'string', requiresArg: true, describe: 'Only providers in this country, such as DE' },
  hub: { type: 'string', requiresArg: true, describe: 'Pay through this hub only' },
  deposit: {
    type: 'string',
    requiresArg: true,
    describe: 'If there is no channel, open one with this many tokens',
  },
  'max-relay-fee': {
    type: 'string',
    default: '0.1',
    requiresArg: true,
    describe: 'Most tokens a hub may charge for sending a transaction',
  },
  patience: {
    type: 'number',
    default: 6,
    requiresArg: true,
    describe: 'Seconds to wait for a silent provider before trying the next one',
  },
  'retry-for': {
    type: 'number',
    default: 30,
    requiresArg: true,
    describe: 'Seconds to keep looking for a provider after one was lost',
  },
  'allow-lan': {
    type: 'boolean',
    default: false,
    describe: 'Allow the local network despite the kill switch',
  },
  yes: { type: 'boolean', default: false, describe: 'Connect even if that cuts off this remote shell' },
  interface: { type: 'string', requiresArg: true, describe: 'Name of the tunnel’s interface' },
  ...controlFlag,
  'control-group': {
    type: 'string',
    requiresArg: true,
    describe: 'Group that may use that socket; by default the home folder’s',
  },
} as const

type Flags = Omit<Given<typeof connectionFlags>, keyof LimitOptions>
export interface ConnectionOptions extends Settings, LimitOptions, Flags {
  provider?: string
  netns?: string
  json: boolean
}

/** No token has more: what is too fine for this one is found out once its own are known. */
const mostDecimals = 77
/** Whether the user asked for this end, one way or the other: not by a budget of ours, nor where the channel is empty. */
const isWanted = (reason: EndReason, { budgets }: Limits): boolean =>
  reason === 'user' || reason === 'cap' || (reason === 'budget' && budgets.length > 0)

/**
 * Connects until that is over; sets the exit code.
 *
 * @param parts.onScreen - Adds to what is shown, or leaves something out.
 * @param parts.stop - Ends the connection, as Ctrl-C does.
 * @param parts.output - Where it is shown; left out: standard output.
 */
export async function runConnection(
  argv: ConnectionOptions,
  parts: {
    stop?: AbortController
    onScreen?: (screen: Screen) => Screen
    output?: NodeJS.WriteStream
  } = {},
): Promise<void> {
  const { stop = new AbortController(), onScreen = (screen) => screen, output = process.stdout } = parts
  limitsFrom(argv, mostDecimals) // What cannot be read is better said before anything is asked or locked.
  const provider = argv.provider === undefined ? undefined : address(argv.provider)
  const hub = argv.hub === undefined ? undefined : address(argv.hub)
  const patienceMs = wholeNumber('--patience', argv.patience, 1) * 1_000
  const retryForMs = wholeNumber('--retry-for', argv.retryFor) * 1_000
  await requireFreeMachine(argv.home, argv.interface)
  if (argv.netns === undefined && !argv.yes) demandShellIsSafe(argv.allowLan)
  const onSignal = () => stop.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // A closed terminal does not end a session that others rely on; "pontage disconnect" does.
  process.on('SIGHUP', () => {})
  const closers: (() => unknown)[] = [
    () => process.off('SIGINT', onSignal),
    () => process.off('SIGTERM', onSignal),
  ]
  let end: (outcome: { result: 'ended' }) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const over = new Promise<{ result: 'ended' }>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  over.catch(() => undefined) // Whoever asked for the end hears of it.
  try {
    const lock = await lockHome(argv.home)
    closers.push(() => lock.release())
    const context = await openContext(argv, logFrom(argv))
    const { chain } = context
    closers.push(() => chain.close())
    const journal = await openJournal(argv.home)
    closers.push(() => journal.close())
    const token = tokenOf(chain)
    const write = (text: string) => void output.write(text)
    const columns = output.isTTY ? () => output.columns ?? 80 : undefined
    const { screen, live } = watched(
      onScreen(argv.json ? jsonScreen(write) : humanScreen(write, token, columns)),
    )
    const place = { path: argv.control ?? controlPath(argv.home), group: argv.controlGroup }
    const control = await listenControl(argv.home, place, async (question) => {
      if (question === 'status') return status(argv.home, live())
      stop.abort()
      return over
    })
    closers.push(() => control.close())
    const limits = limitsFrom(argv, token.decimals)
    const reason = await connect(
      context,
      journal,
      {
        ...{ provider, hub, patienceMs, retryForMs },
        country: argv.country,
        interface: argv.interface,
        netns: argv.netns,
        allowLan: argv.allowLan,
        use: expectedUse(argv),
        limits,
        deposit: argv.deposit === undefined ? undefined : parseTokens(argv.deposit, token.decimals),
        maxRelayFee: parseTokens(argv.maxRelayFee, token.decimals),
      },
      screen,
      stop.signal,
    )
    end({ result: 'ended' })
    if (!isWanted(reason, limits)) process.exitCode = exitCode.failed
  } catch (error) {
    fail(stop.signal.aborted ? new UserError('Stopped before anything was connected.') : (error as Error))
    throw error
  } finally {
    for (const close of closers.reverse()) await close()
  }
}
