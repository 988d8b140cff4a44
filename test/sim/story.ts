import { named } from './actors/people.js'
import { type Ability, type Outcome, play } from './play.js'

/** Plays that are spent on making a story shorter. */
const attempts = 24
/** Of one core, after which the story is told as short as it is by then. */
const mostSeconds = 90
/** Lines of a story that are shown: its end. */
const mostLines = 80

/** The same violation with as few kinds of moves and faults as it takes, and what happened, in the words of the protocol. */
export async function shorten({ seed, steps, cast, abilities, violations }: Outcome): Promise<{
  readonly without: readonly Ability[]
  readonly lines: readonly string[]
}> {
  const rule = violations[0]?.rule
  const without: Ability[] = []
  let spent = 0
  for (const each of abilities.slice(0, attempts)) {
    if (spent > mostSeconds) break
    const tried = await play({ seed, steps, cast, without: [...without, each] })
    spent += tried.tookSeconds
    if (tried.violations[0]?.rule === rule) without.push(each)
  }
  const { story } = await play({ seed, steps, cast, without, isTold: true })
  return { without, lines: story.filter(isTold).slice(-mostLines).map(named) }
}

/** Messages and answers are told by their digests only: they are for comparing, not for reading. */
const isTold = (line: string): boolean => !/: (sends|reads|pending) /.test(line)
