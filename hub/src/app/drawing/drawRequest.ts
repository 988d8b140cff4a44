import { randomUUID } from 'node:crypto'
import { type Address, encodeMessage, type Hex, type Wei } from '@pontage/shared'
import { type Log, UserError } from '@pontage/shared/node'
import type { Ledger, NoteName } from '../../io/ledger.js'
import { pause } from '../../io/pause.js'

/** What one draw brought in. */
export interface Drawn {
  readonly channelId: Hex
  readonly provider: Address
  readonly amount: Wei
  readonly transaction: Hex
}

/** What is asked for: everything, by a command, or the best of what waits, by a process whose pool is empty. */
type Wanted = 'all' | 'best'

const notes = {
  all: { asked: 'draw-asked', done: 'draw-done' },
  best: { asked: 'relief-asked', done: 'relief-done' },
} as const satisfies Record<Wanted, { asked: NoteName; done: NoteName }>

/** Who draws. */
interface Drawing {
  drawAll(): Promise<readonly Drawn[]>
  draw(options: { forced: true }): Promise<void>
}

/** What became of a request to draw. */
interface Outcome {
  readonly ticket: string
  readonly drawn: readonly (Omit<Drawn, 'amount'> & { readonly amount: string })[]
  readonly failure?: string
}

/** Draws whenever a command or another process asked for it through the ledger, until the signal. */
export async function serveDrawRequests(
  { ledger, log }: { ledger: Ledger; log: Log },
  drawScheduler: Drawing,
  pollMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (; !signal.aborted; await pause(pollMs, signal))
    for (const wanted of ['all', 'best'] as const)
      await serveOne(ledger, drawScheduler, wanted).catch((error: Error) =>
        log.warn('draw requests not readable', { reason: error.message }),
      )
}

async function serveOne(ledger: Ledger, drawScheduler: Drawing, wanted: Wanted): Promise<void> {
  const ticket = await ledger.note(notes[wanted].asked)
  if (ticket === undefined || (await outcome(ledger, wanted))?.ticket === ticket) return
  if (!(await ledger.leads())) return
  const drawing = wanted === 'all' ? drawScheduler.drawAll() : drawScheduler.draw({ forced: true })
  const came = await drawing.then(
    (drawn) => ({ ticket, drawn: drawn ?? [] }),
    (error: Error) => ({ ticket, drawn: [], failure: error.message }),
  )
  await ledger.writeNote(notes[wanted].done, encodeMessage(came))
}

/**
 * Asks the hub that runs on this ledger to draw, and waits for it.
 *
 * @throws UserError when it failed, or took longer than `timeoutMs`.
 */
export async function requestDraw(
  ledger: Ledger,
  timeoutMs: number,
  wanted: Wanted = 'all',
): Promise<Outcome['drawn']> {
  const ticket = randomUUID()
  await ledger.writeNote(notes[wanted].asked, ticket)
  const giveUp = AbortSignal.timeout(timeoutMs)
  for (; !giveUp.aborted; await pause(100, giveUp)) {
    const came = await outcome(ledger, wanted)
    // Whoever asks later takes this request's place: what was drawn for that one was drawn for this one too.
    const asked = await ledger.note(notes[wanted].asked)
    if (came === undefined || (came.ticket !== ticket && came.ticket !== asked)) continue
    if (came.failure !== undefined) throw new UserError(`The running hub could not draw: ${came.failure}`)
    return came.drawn
  }
  throw new UserError(
    `The running hub has not drawn within ${timeoutMs / 1_000} s. Check its log; it keeps trying.`,
  )
}

async function outcome(ledger: Ledger, wanted: Wanted): Promise<Outcome | undefined> {
  const text = await ledger.note(notes[wanted].done)
  return text === undefined ? undefined : JSON.parse(text)
}
