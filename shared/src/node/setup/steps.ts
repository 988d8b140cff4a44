import { printLines } from '../report/print.js'
import type { Terminal } from './terminal.js'

/** One thing that a wizard does once it knows enough. */
export interface Step<Known> {
  readonly name: string
  /** Says what is there already; undefined where it is still to be done. */
  readonly there: (known: Known) => Promise<string | undefined>
  /** Does it, and says what was done. @throws UserError */
  readonly act: (known: Known, terminal: Terminal | undefined) => Promise<string>
}

/** What became of one. */
export interface Outcome {
  readonly step: string
  /** Whether this run did it, or found it done. */
  readonly state: 'done' | 'was-done'
  readonly says: string
}

/** Does the steps in their order: what is done already is said and passed over, so that a wizard can be run again. */
export async function perform<Known>(
  steps: readonly Step<Known>[],
  known: Known,
  terminal: Terminal | undefined,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const step of steps) {
    const found = await step.there(known)
    const says = found ?? (await step.act(known, terminal))
    outcomes.push({ step: step.name, state: found === undefined ? 'done' : 'was-done', says })
    if (terminal) terminal.done(says)
    else printLines(says)
  }
  return outcomes
}
