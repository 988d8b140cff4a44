import { judgePromise } from './credit.js'
import { planDraws } from './drawPolicy.js'
import { judgeFinal } from './finalState.js'
import { liabilitiesOf } from './liabilities.js'
import { judgeReservation } from './reserve.js'
import { judgeSolvency } from './solvency.js'

/** Every decision about money that a hub makes, in one place. */
export interface Rules {
  readonly reserve: typeof judgeReservation
  readonly credit: typeof judgePromise
  readonly solvent: typeof judgeSolvency
  readonly draws: typeof planDraws
  readonly final: typeof judgeFinal
  readonly liabilities: typeof liabilitiesOf
}

/** The decisions docs/protocol.md demands. */
export const honestRules: Rules = {
  reserve: judgeReservation,
  credit: judgePromise,
  solvent: judgeSolvency,
  draws: planDraws,
  final: judgeFinal,
  liabilities: liabilitiesOf,
}
