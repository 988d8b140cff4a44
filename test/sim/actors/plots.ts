import { type Fault, faults } from '../faults/disorder.js'
import { Chance } from '../stage/chance.js'
import type { Move } from './guild.js'
import { tokens } from './people.js'

/** What a guild sets its mind on in some runs. On one channel of each, what it does there meets more often than on many. */
export interface Plot {
  readonly name: PlotName
  /** What the run must have for it. */
  readonly needs: readonly (Move | Fault)[]
  /** What would end too soon what it works on, or seldom let it come about. */
  readonly spares: readonly (Move | Fault)[]
  /** Whether the hub keeps its ledger, so that all it loses counts. */
  readonly isDurable: boolean
  readonly paces: readonly number[]
  /** Whether it settles its protests in the first block that allows it. */
  readonly isPunctual: boolean
  /** A hub with such a pool draws nothing for a while but what a deadline presses for. */
  readonly pool: bigint
  readonly drawAbove: bigint
}

const wayOfMoney: readonly Move[] = ['open', 'guarantee', 'clear', 'redeem']

/** Windows run out over the few channels of a hub that is in no hurry to draw. */
const patience: Plot = {
  ...{ name: 'patience', needs: [...wayOfMoney, 'protest', 'clearForged'], isDurable: true, paces: [15_000] },
  spares: ['exit', 'finish', 'hurry', 'close', 'closeStale', 'flood', 'recall', 'recallOld'],
  ...{ isPunctual: true, pool: tokens(600), drawAbove: tokens(400) },
}
/** The hub's database forgets what it guaranteed, and is asked again. */
const oblivion: Plot = {
  ...{ name: 'oblivion', needs: ['open', 'guarantee', 'guaranteeAll', 'failOver'], isDurable: false },
  spares: [
    ...(['exit', 'finish', 'hurry', 'close', 'closeStale', 'flood', 'protest'] as const),
    ...faults.filter(
      (each) => !['kill', 'reorganisation', 'clockJump', 'oldLedger', 'failOver'].includes(each),
    ),
  ],
  ...{ paces: [2_000, 4_000], isPunctual: false },
  ...{ pool: tokens(60), drawAbove: tokens(40) },
}

export type PlotName = 'patience' | 'oblivion'

/** The plot of a seed, drawn apart: the rest of the seed is drawn the same without it. */
export function plotOf(seed: string, without: readonly string[]): Plot | undefined {
  const plot = [patience, patience, oblivion][new Chance(`${seed} plot`).dice(8)]
  return plot && !without.includes(plot.name) ? plot : undefined
}
