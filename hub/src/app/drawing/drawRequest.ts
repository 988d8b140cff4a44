import { randomUUID } from 'node:crypto'
import { type Address, encodeMessage, type Hex, type Wei } from '@pontage/shared'
import { type Log, UserError } from '@pontage/shared/node'
import type { Ledger } from '../../io/ledger.js'
import { pause } from '../../io/pause.js'

/** What one draw brought in. */
export interface Drawn {
  readonly channelId: Hex
  readonly provider: Address
  readonly amount: Wei
  readonly transaction: Hex
}

/** What became of a request to draw everything. */
interface Outcome {
  readonly ticket: string
  readonly drawn: readonly (Omit<Drawn, 'amount'> & { readonly amount: string })[]
  readonly failure?: string
}

/** Draws everything whenever a command asked for it through the ledger, until the signal. */
export async function serveDrawRequests(
  { ledger, log }: { ledger: Ledger; log: Log },
  drawScheduler: { drawAll(): Promise<readonly Drawn[]> },
  pollMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (; !signal.aborted; await pause(pollMs, signal))
    await serveOne(ledger, drawScheduler).catch((error: Error) =>
      log.warn('draw requests not readable', { reason: error.message }),
    )
}

async function serveOne(
  ledger: Ledger,
  drawScheduler: { drawAll(): Promise<readonly Drawn[]> },
): Promise<void> {
  const ticket = await ledger.note('draw-asked')
  if (ticket === undefined || (await outcome(ledger))?.ticket === ticket || !(await ledger.leads())) return
  const came = await drawScheduler.drawAll().then(
    (drawn) => ({ ticket, drawn }),
    (error: Error) => ({ ticket, drawn: [], failure: error.message }),
  )
  await ledger.writeNote('draw-done', encodeMessage(came))
}

/**
 * Asks the hub that runs on this ledger to draw everything, and waits for it.
 *
 * @throws UserError when it failed, or took longer than `timeoutMs`.
 */
export async function requestDraw(ledger: Ledger, timeoutMs: number): Promise<Outcome['drawn']> {
  const ticket = randomUUID()
  await ledger.writeNote('draw-asked', ticket)
  const giveUp = AbortSignal.timeout(timeoutMs)
  for (; !giveUp.aborted; await pause(100, giveUp)) {
    const came = await outcome(ledger)
    // Whoever asks later takes this request's place: what was drawn for that one was drawn for this one too.
    const asked = await ledger.note('draw-asked')
    if (came === undefined || (came.ticket !== ticket && came.ticket !== asked)) continue
    if (came.failure !== undefined) throw new UserError(`The running hub could not draw: ${came.failure}`)
    return came.drawn
  }
  throw new UserError(
    `The running hub has not drawn within ${timeoutMs / 1_000} s. Check its log; it keeps trying.`,
  )
}

async function outcome(ledger: Ledger): Promise<Outcome | undefined> {
  const text = await ledger.note('draw-done')
  return text === undefined ? undefined : JSON.parse(text)
}
