import { existsSync } from 'node:fs'
import { systemClock, wei } from '@pontage/shared'
import { type Chain, createLog, createSender, type KeyOptions, UserError, unlock } from '@pontage/shared/node'
import { honestRules } from '../../core/rules.js'
import { createChainWatch } from '../../io/chain/chainWatch.js'
import type { Ledger } from '../../io/ledger.js'
import { lockHome } from '../../io/sqlite/open.js'
import { requestDraw } from '../drawing/drawRequest.js'
import { createDrawScheduler } from '../drawing/drawScheduler.js'
import { type LedgerOptions, ledgerPath, withLedger } from './openLedger.js'

/** Milliseconds the running hub is given to draw everything. */
const drawTimeoutMs = 240_000

/** Draws everything the hub holds: by the hub that runs on this home, else by this process. */
export async function drawAll(options: KeyOptions & LedgerOptions, chain: Chain) {
  // Of all processes on a database, the one that writes to the chain draws.
  if (options.database !== undefined)
    return withLedger(options, async (ledger) =>
      (await ledger.leads()) ? drawAlone(options, chain, ledger) : requestDraw(ledger, drawTimeoutMs),
    )
  const release = takeHome(options.home)
  if (!release) return withLedger(options, (ledger) => requestDraw(ledger, drawTimeoutMs))
  try {
    return await withLedger(options, (ledger) => drawAlone(options, chain, ledger))
  } finally {
    release()
  }
}

/** The home's lock, or undefined while a hub runs on it. @throws UserError when there is no such home */
function takeHome(home: string): (() => void) | undefined {
  if (!existsSync(ledgerPath(home)))
    throw new UserError(
      `There is no ledger at ${ledgerPath(home)} yet. Run pontage-hub run first, or give its --home.`,
    )
  try {
    return lockHome(home)
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

async function drawAlone(options: KeyOptions, chain: Chain, ledger: Ledger) {
  const log = createLog('pontage-hub', options.logLevel)
  const identity = await unlock(options)
  await ledger.bind(identity.address, chain.deployment)
  const watch = createChainWatch({
    chain,
    ledger,
    hub: identity.address,
    clock: systemClock,
    log,
  })
  await watch.catchUp()
  const drawScheduler = createDrawScheduler({
    ledger,
    rules: honestRules,
    settings: { drawAbove: wei(0n), guaranteeSeconds: 0 },
    watch,
    clock: systemClock,
    log,
    chain,
    sender: createSender(chain, identity, { outbox: ledger.outbox, log }),
    identity,
  })
  const drawn = await drawScheduler.drawAll()
  return drawn.map((each) => ({ ...each, amount: each.amount.toString() }))
}
