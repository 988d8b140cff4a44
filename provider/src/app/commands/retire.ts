import {
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  onChain,
  printJson,
  printLines,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { readOffer } from '../../io/chainViews.js'
import { askRunning } from '../../io/controlSocket.js'
import { isRunning, lockHome } from '../../io/homeLock.js'
import type { Parts } from '../parts.js'
import { recoverMachine } from '../recover.js'
import { type HubLeft, takeStake, windUp } from '../retire.js'
import { forgetRetiring, noteRetiring } from '../retiring.js'
import { timeOf } from '../when.js'
import { withParts } from './open.js'

type Options = ChainOptions & KeyOptions & { cancel: boolean; json: boolean }

/** Ends a provider in order: each time it is run, it does what can be done by then and says what waits. */
export const retireCommand: CommandModule<CommonOptions, Options> = {
  command: 'retire',
  describe:
    'End the provider in order: no new sessions, everything drawn and redeemed, the stake out. Run again until done',
  builder: {
    ...chainFlags,
    ...keyFlags,
    ...jsonFlag,
    cancel: { type: 'boolean', default: false, describe: 'Serve again at the next run' },
  } as never,
  handler: (options) =>
    options.cancel ? cancel(options) : onChain(options, (chain) => retire(options, chain)),
}

async function cancel({ home, json }: Options): Promise<void> {
  await forgetRetiring(home)
  if (json) printJson({ retiring: false })
  else
    printLines('The provider serves again at the next run. What is unbonding comes back with: stake cancel.')
}

interface Report {
  /** Sessions of the daemon that still runs; undefined when none does. */
  readonly sessions: number | undefined
  readonly hubs: readonly HubLeft[]
  readonly unbondsAt: number
  readonly done: boolean
}

async function retire(options: Options, chain: Chain): Promise<void> {
  await noteRetiring(options.home)
  const report = await withParts(options, chain, async (parts): Promise<Report> => {
    const { live } = await readOffer(chain, parts.identity.address)
    if (live) await parts.sender.send(chain.marketplace.withdrawOffer.populateTransaction())
    if (isRunning(options.home)) {
      const sessions = await askRunning<unknown[]>(options.home, { type: 'sessions' })
      return { sessions: sessions.length, hubs: [], unbondsAt: 0, done: false }
    }
    return windUpAlone(parts, options.home)
  })
  if (options.json) printJson(report)
  else printLines(...sentences(chain, report))
}

async function windUpAlone(parts: Parts, home: string): Promise<Report> {
  const unlock = lockHome(home)
  try {
    await recoverMachine(parts, home, false)
    const hubs = await windUp(parts)
    const isAllIn = hubs.every(({ undrawn, due, missing }) => undrawn === 0n && due === 0n && missing === 0n)
    if (!isAllIn) return { sessions: undefined, hubs, unbondsAt: 0, done: false }
    const { unbondsAt, isOut } = await takeStake(parts)
    return { sessions: undefined, hubs, unbondsAt, done: isOut }
  } finally {
    unlock()
  }
}

function sentences(chain: Chain, { sessions, hubs, unbondsAt, done }: Report): string[] {
  const lines = ['The offer is withdrawn: nobody new is served.']
  if (sessions !== undefined)
    lines.push(
      `The provider still runs, with ${sessions} session(s). Let them end, or end them with kick; stop it; then run retire again.`,
    )
  for (const { hub, undrawn, protestsEndAt, due, missing, lost } of hubs) {
    if (protestsEndAt > 0)
      lines.push(`${inTokens(chain, undrawn)} under hub ${hub} is protested until ${timeOf(protestsEndAt)}.`)
    else if (undrawn > 0n) lines.push(`${inTokens(chain, undrawn)} under hub ${hub} is not drawn yet.`)
    if (due > 0n) lines.push(`${inTokens(chain, due)} is still to be redeemed with hub ${hub}.`)
    if (missing > 0n) lines.push(`Hub ${hub} owes ${inTokens(chain, missing)} that it could not pay.`)
    if (lost > 0n) lines.push(`${inTokens(chain, lost)} under hub ${hub} came too late and is lost.`)
  }
  if (unbondsAt > 0) lines.push(`The stake can be withdrawn from ${timeOf(unbondsAt)}.`)
  return [
    ...lines,
    done ? 'Everything is in and the stake is out: the provider is retired.' : 'Run retire again to go on.',
  ]
}
