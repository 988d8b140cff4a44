import { address, parseTokens, wei } from '@pontage/shared'
import {
  type Closers,
  controlPath,
  exitCode,
  type Given,
  isOwnAddress,
  listenControl,
  looksLikeInvitation,
  type OuterProxy,
  proxyInUse,
  sayingTokens,
  tokenOf,
  UserError,
  unlock,
  wholeNumber,
  withClosers,
} from '@pontage/shared/node'
import { type CarrierWish, carrierWishes } from '../../core/carrier.js'
import { inToken, type Limits } from '../../core/limits.js'
import { providerNamed } from '../../core/providerName.js'
import type { TopUpRule } from '../../core/refill.js'
import type { EndReason } from '../../core/session.js'
import { namespaceName } from '../../io/home/connectionFile.js'
import { keepInvitation } from '../../io/home/invitations.js'
import { readNames } from '../../io/home/knownNames.js'
import { lockNetwork } from '../../io/home/lock.js'
import { controlOwner } from '../../io/home/ownership.js'
import { workIn } from '../../io/home/workingHome.js'
import { planGateway } from '../../io/kernel/gateway.js'
import { isLockedDown, liftLockdown, loadLockdown, refuseUnderLockdown } from '../../io/kernel/lockdown.js'
import { boundLog, isInBackground } from '../connect/background.js'
import { connect } from '../connect/connect.js'
import type { ConnectWishes } from '../connect/connection.js'
import { humanScreen } from '../connect/humanScreen.js'
import { jsonScreen } from '../connect/jsonScreen.js'
import { watched } from '../connect/live.js'
import { demandShellIsSafe, requireAbleMachine, requireFreeMachine } from '../connect/machine.js'
import { notifying } from '../connect/notifying.js'
import type { Screen } from '../connect/screen.js'
import { type Status, status } from '../connect/status.js'
import { stepDone } from '../connect/timings.js'
import { alreadyOpen, beginContext, type Opening, openContext } from '../context.js'
import { expectedUse, useFlags } from '../market/expectedUse.js'
import { type LimitOptions, limitFlags, limitsFrom } from '../session/limits.js'
import { parseResolvers } from './resolvers.js'
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
  'top-up': {
    type: 'string',
    requiresArg: true,
    describe: 'Add this many tokens to the channel, by itself, whenever little is left in it',
  },
  'top-up-below': {
    type: 'string',
    requiresArg: true,
    describe: 'When less than this many tokens are left; by default a fifth of --top-up',
  },
  'top-up-limit': {
    type: 'string',
    requiresArg: true,
    describe: 'Most tokens to add by itself in a calendar month (UTC); by default ten times --top-up',
  },
  'max-relay-fee': {
    type: 'string',
    default: '0.1',
    requiresArg: true,
    describe: 'Most tokens a hub may charge for sending a transaction',
  },
  carrier: {
    choices: carrierWishes,
    default: 'auto',
    describe:
      'What the tunnel travels by: udp, wss (TLS to the provider’s payment port, where UDP is blocked), or whichever gets through',
  },
  dns: {
    type: 'string',
    default: 'provider',
    requiresArg: true,
    describe:
      'Whom to ask for names, through the tunnel: provider, or addresses of resolvers such as 9.9.9.9,2620:fe::fe',
  },
  patience: {
    type: 'number',
    default: 6,
    requiresArg: true,
    describe: 'Seconds to wait for a silent provider before trying the next one',
  },
  'retry-for': {
    type: 'number',
    requiresArg: true,
    describe:
      'Seconds to keep looking for a provider after one was lost, behind the kill switch; by default for ever',
  },
  'allow-lan': {
    type: 'boolean',
    default: false,
    describe: 'Allow the local network despite the kill switch',
  },
  gateway: {
    type: 'string',
    requiresArg: true,
    describe:
      'Lead what comes in by these devices (eth1,wlan0) through the tunnel, too: this machine is the gateway of a network',
  },
  yes: { type: 'boolean', default: false, describe: 'Connect even if that cuts off this remote shell' },
  interface: { type: 'string', requiresArg: true, describe: 'Name of the tunnel’s interface' },
  timings: { type: 'boolean', default: false, describe: 'Print how long each step of connecting took' },
  verbose: {
    type: 'boolean',
    alias: 'v',
    default: false,
    describe: 'Tell whom else there was to choose from, and how packets travel',
  },
  ...controlFlag,
  'control-group': {
    type: 'string',
    requiresArg: true,
    describe: 'Group that may use that socket; by default the home folder’s',
  },
} as const

type Flags = Omit<Given<typeof connectionFlags>, keyof LimitOptions | 'carrier'>
export interface ConnectionOptions extends Settings, LimitOptions, Flags {
  provider?: string
  netns?: string
  json: boolean
  carrier: CarrierWish
}

/** Whether the user asked for this end, one way or the other: not by a budget of ours, nor where the channel is empty. */
const isWanted = (reason: EndReason, { budgets }: Limits): boolean =>
  reason === 'user' || reason === 'cap' || (reason === 'budget' && budgets.length > 0)

/** What is added to a connection by the command that makes it. */
interface Extras {
  /** Ends the connection, as Ctrl-C does. */
  readonly stop?: AbortController
  /** Adds to what is shown, or leaves something out. */
  readonly onScreen?: (screen: Screen) => Screen
  /** Where it is shown; left out: standard output. */
  readonly output?: NodeJS.WriteStream
  /** Whoever ends it may not lift a lockdown with it. */
  readonly keepsLockdown?: true
}

/** A connection as whoever may ask it sees it. */
export interface Asked {
  status(): Promise<Status>
  /** Ends it, and resolves when the machine is as it was. @throws UserError when that fails. */
  disconnect(): Promise<{ result: 'ended' }>
}

/** What a connection needs of the program that holds it. */
interface Holder extends Extras {
  /** Opens the chain and begins to open the key, and adds to the closers what is to be closed with the connection. */
  readonly open: (closers: Closers) => Promise<Opening>
  /** Told once it can be asked. */
  readonly onAsked: (asked: Asked, closers: Closers) => Promise<void> | void
}

/** Connects until that is over; sets the exit code. */
export async function runConnection(argv: ConnectionOptions, extras: Extras = {}): Promise<void> {
  const { stop = new AbortController() } = extras
  const forget = stopOnSignals(stop)
  // It takes a third of a second beside all else, where nobody has to type for it.
  const unlocking = argv.passwordFile === undefined ? undefined : unlock(argv)
  unlocking?.catch(() => undefined) // Whoever waits for it hears of it.
  try {
    const isWanted = await holdConnection(argv, {
      ...extras,
      stop,
      async open(closers) {
        const log = logFrom(argv)
        const opening = unlocking
          ? await beginContext(argv, log, unlocking)
          : alreadyOpen(await openContext(argv, log))
        closers.opened('chain', opening.reader.chain)
        return opening
      },
      async onAsked(asked, closers) {
        const place = {
          path: argv.control ?? controlPath(argv.home),
          owner: await controlOwner(argv.home, argv.controlGroup),
        }
        closers.opened('control socket', await listenControl(place, { ...asked }))
      },
    })
    if (!isWanted) process.exitCode = exitCode.failed
  } finally {
    forget()
  }
}

/**
 * Connects until that is over.
 *
 * @returns Whether its user wanted this end.
 * @throws UserError when it cannot begin, or the machine not be restored.
 */
export async function holdConnection(argv: ConnectionOptions, holder: Holder): Promise<boolean> {
  const { stop = new AbortController() } = holder
  stepDone('program')
  // What cannot be read is better said before anything is asked or locked.
  const limits = limitsFrom(argv)
  const read = {
    ...(await meantBy(argv)),
    resolvers: parseResolvers(argv.dns, argv.netns === undefined ? isOwnAddress : () => false),
    hub: argv.hub === undefined ? undefined : address(argv.hub),
    patienceMs: wholeNumber('--patience', argv.patience, 1) * 1_000,
    retryForMs: argv.retryFor === undefined ? undefined : wholeNumber('--retry-for', argv.retryFor) * 1_000,
    use: expectedUse(argv),
  }
  refuseNamespace(argv.netns)
  const carrier = carrierBy(proxyInUse(), argv)
  const gatewayFor = argv.gateway?.split(',').map((each) => each.trim()) ?? []
  if (gatewayFor.length > 0 && argv.netns !== undefined)
    throw new UserError(
      'A gateway leads others through the tunnel of the whole machine. Leave out --netns, or --gateway.',
    )
  // Before anything is asked or locked.
  if (gatewayFor.length > 0) await planGateway(gatewayFor)
  await requireAbleMachine(argv.home, argv.interface)
  if (argv.netns === undefined && !argv.yes) demandShellIsSafe(argv.allowLan)
  const end = {} as { resolve: (answer: { result: 'ended' }) => void; reject: (error: unknown) => void }
  const over = new Promise<{ result: 'ended' }>((resolve, reject) => Object.assign(end, { resolve, reject }))
  over.catch(() => undefined) // Whoever asked for the end hears of it.
  let isToOpen = false
  return withClosers(async (closers) => {
    try {
      const { journal, release } = await workIn(argv.home)
      closers.add('home', release)
      closers.add('network', await lockNetwork(argv.netns).then((lock) => () => lock.release()))
      // Only now nobody else can begin: what was free before may be taken.
      await requireFreeMachine(argv.home)
      if (isLockedDown()) await loadLockdown()
      const opening = await holder.open(closers)
      stepDone('chain')
      const token = tokenOf(opening.reader.chain)
      const { screen, live, isRising } = watched(notifying(screenFor(argv, token, holder)), token)
      const asked: Asked = {
        status: () => status(argv.home, { live: live(), isRising: isRising(), trail: journal.trail() }),
        disconnect() {
          isToOpen = true
          stop.abort()
          return over
        },
      }
      await holder.onAsked(asked, closers)
      const wishes: ConnectWishes = {
        ...read,
        interface: argv.interface,
        netns: argv.netns,
        allowLan: argv.allowLan,
        carrier,
        gatewayFor,
        limits: inToken(limits, token.decimals),
        deposit: argv.deposit === undefined ? undefined : parseTokens(argv.deposit, token.decimals),
        topUp: topUpRule(argv, token.decimals),
        maxRelayFee: parseTokens(argv.maxRelayFee, token.decimals),
      }
      const connecting = sayingTokens(token, () => connect(opening, journal, wishes, screen, stop.signal))
      const reason = await connecting.finally(async () => {
        if (isToOpen && !holder.keepsLockdown && isLockedDown()) await liftLockdown()
      })
      end.resolve({ result: 'ended' })
      return isWanted(reason, wishes.limits)
    } catch (error) {
      end.reject(stop.signal.aborted ? stoppedEarly() : error)
      throw error
    }
  })
}

/** @throws UserError for a namespace that cannot be, or not now. */
function refuseNamespace(netns: string | undefined): void {
  if (netns === undefined) return
  if (!namespaceName.test(netns))
    throw new UserError(
      `"${netns}" cannot be the name of a network namespace here. Give --netns a name of letters, digits, dots, dashes and underscores.`,
    )
  refuseUnderLockdown()
}

/** @throws UserError for a proxy that cannot carry this connection. */
function carrierBy(
  proxy: OuterProxy | undefined,
  { carrier, netns }: Pick<ConnectionOptions, 'carrier' | 'netns'>,
): CarrierWish {
  if (proxy === undefined) return carrier
  if (carrier === 'udp') throw new UserError('A proxy carries no UDP: leave out --carrier udp, or --proxy.')
  if (netns === undefined && isOwnAddress(proxy.address))
    throw new UserError(
      `The proxy at ${proxy.name} runs on this machine, and the kill switch would shut it off from the network, too. Use "pontage exec" or --netns with it, or a proxy on another machine.`,
    )
  return 'wss'
}

/** Whom the words mean: one provider, or whoever is in a country. */
export async function meantBy({ home, provider: name, country }: ConnectionOptions) {
  if (name === undefined) return { provider: undefined, country }
  if (looksLikeInvitation(name)) return { provider: (await keepInvitation(home, name)).provider, country }
  const meant = providerNamed(`${name}`, await readNames(home))
  return { provider: undefined, country, ...meant }
}

/** @throws UserError for amounts that contradict each other. */
function topUpRule(
  { topUp, topUpBelow, topUpLimit }: ConnectionOptions,
  decimals: number,
): TopUpRule | undefined {
  if (topUp === undefined) {
    if (topUpBelow === undefined && topUpLimit === undefined) return undefined
    throw new UserError('--top-up-below and --top-up-limit need --top-up: how many tokens to add each time.')
  }
  const read = (text: string) => parseTokens(String(text), decimals)
  const amount = read(topUp)
  if (amount === 0n) throw new UserError('A --top-up of 0 adds nothing. Give one such as 5.')
  const below = topUpBelow === undefined ? wei(amount / 5n) : read(topUpBelow)
  const perMonth = topUpLimit === undefined ? wei(amount * 10n) : read(topUpLimit)
  if (perMonth < amount)
    throw new UserError('--top-up-limit is less than one --top-up, so nothing would ever be added.')
  return { amount, below, perMonth }
}

const stoppedEarly = () => new UserError('Stopped before anything was connected.')

/** @returns What takes the handlers off again. */
export function stopOnSignals(stop: AbortController): () => void {
  const onSignal = () => stop.abort()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // A closed terminal does not end a session that others rely on; "pontage disconnect" does.
  process.on('SIGHUP', () => {})
  return () => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

function screenFor(
  argv: ConnectionOptions,
  token: { decimals: number; symbol: string },
  { onScreen = (screen) => screen, output = process.stdout }: Extras,
): Screen {
  const write = (text: string) => void output.write(text)
  const columns = output.isTTY ? () => output.columns || 80 : undefined
  if (!isInBackground() && argv.json) return onScreen(jsonScreen(write))
  if (!isInBackground()) {
    const screen = humanScreen(write, token, columns, argv.verbose)
    return onScreen(argv.timings ? withTimings(screen) : screen)
  }
  boundLog()
  return onScreen(jsonScreen((line) => line.startsWith('{"event":"progress"') || write(line)))
}

const withTimings = (screen: Screen): Screen => ({
  ...screen,
  connected(tunnel) {
    screen.connected(tunnel)
    const steps = Object.entries(tunnel.stepsMs).map(([step, ms]) => `${step} ${ms} ms`)
    screen.warned(`Time taken: ${steps.join(', ')}.`)
  },
})
