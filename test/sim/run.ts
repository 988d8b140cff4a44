import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { keccak256 } from '@pontage/shared/node'
import { keccak256 as slowKeccak } from 'ethers'
import { reached } from './coverage.js'
import { type Ability, type Outcome, play, type Troupe } from './play.js'
import { shorten } from './story.js'

/** A seed that is played again and again, with what happens in it. */
interface Kept {
  readonly seed: string
  readonly steps: number
  readonly cast?: Troupe
  /** What came into the simulation later, and would change the story. */
  readonly without?: readonly Ability[]
  readonly story: string
}

type Print = (line: string) => void

/** Plays what the command line asks for. @returns The exit code */
export async function run(argv: readonly string[], print: Print): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: '1' },
      steps: { type: 'string', default: '300' },
      /** Honest providers and consumers as players or as their programs; left out: as each seed says. */
      cast: { type: 'string' },
      runs: { type: 'string', default: '1' },
      /** Seconds of processor time, after which no other seed is begun. */
      budget: { type: 'string' },
      /** Ends with the first seed that breaks a rule. */
      first: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      /** Plays the seeds that are kept. */
      corpus: { type: 'boolean', default: false },
      /** Says how much of the programs' core and app was reached. */
      coverage: { type: 'boolean', default: false },
      /** Prints everything that happens. */
      trace: { type: 'boolean', default: false },
    },
  })
  // The same hash, compiled: ethers computes it in JavaScript, which would be a sixth of the time.
  slowKeccak.register((data) => keccak256(data))
  const steps = Number(values.steps)
  const wanted = values.corpus
    ? kept()
    : seedsFrom(Number(values.seed), values.budget ? 1e9 : Number(values.runs), steps)
  const budget = Number(values.budget ?? 1e9)
  let failed = 0
  let spent = 0
  for (const each of wanted) {
    if (spent >= budget || (values.first && failed > 0)) break
    const cast = values.cast as Troupe | undefined
    const outcome = await play({ ...(cast && { cast }), ...each, isTold: values.trace })
    spent += outcome.tookSeconds
    if (outcome.violations.length > 0) failed++
    if (values.trace) for (const line of outcome.story) print(line)
    if (values.json) print(asJson(outcome, spent))
    else await tell(outcome, print)
  }
  if (values.coverage) for (const line of await reached()) print(line)
  return failed === 0 ? 0 : 1
}

const kept = (): Kept[] => JSON.parse(readFileSync(new URL('../../sim/corpus.json', import.meta.url), 'utf8'))

const seedsFrom = function* (first: number, runs: number, steps: number) {
  for (let run = 0; run < runs; run++) yield { seed: String(first + run), steps }
}

const asJson = ({ seed, violations, digest, simulatedMinutes, tookSeconds }: Outcome, spent: number) =>
  JSON.stringify({ seed, violations, digest, simulatedMinutes, tookSeconds, spent })

async function tell(outcome: Outcome, print: Print): Promise<void> {
  const { seed, steps, violations, simulatedMinutes, tookSeconds, events, digest } = outcome
  const isWell = violations.length === 0
  print(
    `seed ${seed}: ${isWell ? 'no rule broken' : 'A RULE IS BROKEN'}, ${simulatedMinutes.toFixed(0)} simulated minutes in ${tookSeconds.toFixed(1)} s of one core (${(simulatedMinutes / tookSeconds).toFixed(1)} a second), ${events} events, trace ${digest}`,
  )
  if (isWell) return
  for (const { rule, what, atMs } of violations) print(`  ${(atMs / 1_000).toFixed(1)} s: ${rule}: ${what}`)
  const again = `npm run sim -- --seed ${seed} --steps ${steps} --cast ${outcome.cast} --trace`
  print(`  again: ${again}`)
  const { without, lines } = await shorten(outcome)
  print(`  the story, without ${without.join(', ') || 'anything left out'}:`)
  for (const line of lines) print(`    ${line}`)
  print(`error: seed ${seed} breaks a rule: ${violations[0]?.rule}. Again: ${again}`)
}
