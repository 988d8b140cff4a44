import { setTimeout as delay } from 'node:timers/promises'
import { countOf } from '@pontage/shared'
import {
  askControl,
  askFirst,
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  controlPath,
  inTokens,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  NoAnswer,
  onChain,
  printJson,
  printLines,
  readStanding,
  timeOf,
  UserError,
  yesFlag,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { tryLock } from '../../io/store/homeLock.js'
import type { Components } from '../components.js'
import { recoverMachine } from '../metering/recover.js'
import { withdrawOffer } from '../offer/publish.js'
import { forgetRetiring, noteRetiring } from '../retirement/retiring.js'
import { type HubLeft, takeStake, windUp } from '../retirement/windUp.js'
import { withComponents } from './open.js'

type Options = ChainOptions & KeyOptions & { cancel: boolean; now: boolean; json: boolean; yes: boolean }

/**
 * Ends a provider in order: each time it is run, it does what can be done by then and says what waits. A program that
 * runs is told to serve nobody new, and stops by itself once nobody is left; what is to be drawn is drawn after that.
 */
export const retireCommand: CommandModule<CommonOptions, Options> = {
  command: 'retire',
  describe:
    'Close down the provider: no new sessions, draw and redeem everything, withdraw the stake. Run again until done',
  builder: {
    ...chainFlags,
    ...keyFlags,
    ...yesFlag,
    now: {
      type: 'boolean',
      default: false,
      describe: 'End running sessions instead of waiting for them',
    },
    cancel: { type: 'boolean', default: false, describe: 'Serve again from the next run on' },
  } as never,
  handler: (options) =>
    options.cancel ? cancel(options) : onChain(options, (chain) => retire(options, chain)),
}

async function cancel({ home, json }: Options): Promise<void> {
  await forgetRetiring(home)
  if (json) printJson({ retiring: false })
  else
    printLines(
      'The provider serves again from the next run on. If its stake is already unbonding, take it back first: stake cancel, then register --stake 1.',
    )
}

interface Report {
  readonly hubs: readonly HubLeft[]
  readonly unbondsAt: number
  readonly done: boolean
}

async function retire(options: Options, chain: Chain): Promise<void> {
  const { stake, unbonding, registeredAt } = await readStanding(chain, await keystoreAddress(options.home))
  if (registeredAt === 0)
    throw new UserError(
      'This provider was never registered on this chain: there is nothing to retire. "pontage-provider register" begins.',
    )
  if (stake > 0n && unbonding === 0n)
    await askFirst(
      `The offer is withdrawn, nobody new is served, and the stake of ${inTokens(chain, stake)} is locked for the time of unbonding.`,
      options,
    )
  await noteRetiring(options.home)
  const report = await withComponents(options, chain, async (components): Promise<Report> => {
    await withdrawOffer(components)
    const unlock = await lockOnceNoneRuns(options)
    try {
      return await windUpAlone(components, options.home)
    } finally {
      unlock()
    }
  })
  if (options.json) printJson(report)
  else printLines(...sentences(chain, report))
}

/** How long a program that begins or ends may take to answer. */
const silentForMs = 300_000
const askEveryMs = 500

/**
 * Tells the program that runs on this home to retire, and waits until it has stopped, however it does: in order, or
 * killed. Whoever does not want to wait may break off: it goes on by itself.
 *
 * @returns What gives the home back, which is ours then.
 */
async function lockOnceNoneRuns({ home, now, json }: Options): Promise<() => void> {
  let lastSeen: number | undefined
  let silentSince = performance.now()
  for (;;) {
    const unlock = tryLock(home)
    if (unlock) return unlock
    const sessions = await servedBy(home, now)
    if (sessions !== undefined) silentSince = performance.now()
    else if (performance.now() - silentSince > silentForMs)
      throw new UserError(`A program holds ${home} and does not answer. End it, then run retire again.`)
    if (sessions !== undefined && sessions !== lastSeen) {
      if (!json)
        printLines(
          sessions === 0
            ? 'The running provider no longer serves anybody, and stops.'
            : `The running provider still serves ${countOf(sessions, 'session')}, and stops after them; retire --now ends them.`,
        )
      lastSeen = sessions
    }
    await delay(askEveryMs)
  }
}

/** Sessions of the program that was told to retire; undefined where it does not answer yet, or any more. */
const servedBy = (home: string, now: boolean): Promise<number | undefined> =>
  askControl<number>(controlPath(home), { type: 'retire', now }).catch((error) => {
    if (error instanceof NoAnswer) return undefined
    throw error
  })

async function windUpAlone(components: Components, home: string): Promise<Report> {
  await recoverMachine(components, home, false)
  const hubs = await windUp(components)
  const isAllIn = hubs.every(({ undrawn, due, missing }) => undrawn === 0n && due === 0n && missing === 0n)
  if (!isAllIn) return { hubs, unbondsAt: 0, done: false }
  const { unbondsAt, isOut } = await takeStake(components)
  return { hubs, unbondsAt, done: isOut }
}

function sentences(chain: Chain, { hubs, unbondsAt, done }: Report): string[] {
  const lines = ['The offer is withdrawn: nobody new is served.']
  for (const { hub, undrawn, protestsEndAt, due, missing, lost } of hubs) {
    if (protestsEndAt > 0)
      lines.push(`${inTokens(chain, undrawn)} under hub ${hub} is protested until ${timeOf(protestsEndAt)}.`)
    else if (undrawn > 0n) lines.push(`${inTokens(chain, undrawn)} under hub ${hub} is not drawn yet.`)
    if (due > 0n) lines.push(`${inTokens(chain, due)} is still to be redeemed with hub ${hub}.`)
    if (missing > 0n) lines.push(`Hub ${hub} owes ${inTokens(chain, missing)} that it could not pay.`)
    if (lost > 0n) lines.push(`${inTokens(chain, lost)} under hub ${hub} was too late to draw and is lost.`)
  }
  if (unbondsAt > 0) lines.push(`The stake can be withdrawn from ${timeOf(unbondsAt)}.`)
  return [
    ...lines,
    done
      ? 'Everything is redeemed and the stake is withdrawn: the provider is retired.'
      : 'Run retire again to continue.',
  ]
}
