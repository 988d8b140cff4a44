import { CommandFailed } from '../kernel/command.js'
import { UserError } from '../program/userError.js'
import type { Choice, Terminal } from './terminal.js'

/** One thing that a wizard has to know. `Known` is what it knows so far. */
export interface Question<Known> {
  /** The flag that answers it, without dashes. */
  readonly flag: string
  /** How an answer is written in a sentence, such as `TOKENS`. */
  readonly value: string
  readonly ask: string
  /** What holds where nobody says otherwise. */
  readonly usual?: (known: Known) => string | undefined
  readonly isSecret?: boolean
  /** There is nothing to choose but these. */
  readonly isClosed?: boolean
  /** Several answers hold, separated by commas. */
  readonly isList?: boolean
  /** What there is to choose from; where that is nothing, an answer is typed. */
  readonly choices?: (known: Known) => Promise<readonly Choice[]>
  /** Whether it has to be asked at all, by what is known. */
  readonly isNeeded?: (known: Known) => boolean | Promise<boolean>
  /** The answer of a flag, the environment, the configuration or the network; undefined where none of them says it. */
  readonly given: (known: Known) => string | undefined
  /** Takes an answer in. @throws UserError or RangeError for one that does not do */
  readonly take: (answer: string, known: Known) => Promise<void> | void
}

/** What a question has that yes or no answers. */
export const yesOrNo = {
  isClosed: true,
  choices: async (): Promise<readonly Choice[]> => [
    { value: 'yes', label: 'Yes' },
    { value: 'no', label: 'No' },
  ],
}

/** Answers every question: by what is given, else by the terminal. @throws UserError that says all that is missing */
export async function answer<Known>(
  program: string,
  questions: readonly Question<Known>[],
  known: Known,
  terminal: Terminal | undefined,
): Promise<void> {
  const missing: string[] = []
  const wrong: string[] = []
  for (const question of questions) {
    if ((await question.isNeeded?.(known)) === false) continue
    const said = question.given(known)
    const given = said ?? (terminal ? undefined : question.usual?.(known))
    if (given !== undefined) {
      const problem = await problemWith(question, given, known)
      if (problem === undefined) {
        terminal?.done(`${question.ask}: ${question.isSecret ? 'given' : given}`)
        continue
      }
      // What nobody said is not wrong for want of what it is checked against.
      const isKnownWrong = said !== undefined || missing.length + wrong.length === 0
      if (!terminal && isKnownWrong) wrong.push(`--${question.flag}: ${problem}`)
      terminal?.wrong(problem)
    } else if (!terminal)
      missing.push(`--${question.flag} ${question.value} (${decapitalised(question.ask)})`)
    if (terminal) await askUntilRight(question, known, terminal)
  }
  if (missing.length + wrong.length === 0) return
  const says = [...wrong, ...(missing.length > 0 ? [`Missing: ${missing.join(', ')}.`] : [])].join(' ')
  throw new UserError(`${says} Give flags for it, or run "${program} setup" in a terminal, which asks.`, {
    code: 'missing-answers',
  })
}

async function askUntilRight<Known>(
  question: Question<Known>,
  known: Known,
  terminal: Terminal,
): Promise<void> {
  for (;;) {
    const problem = await problemWith(question, await askOnce(question, known, terminal), known)
    if (problem === undefined) return
    terminal.wrong(problem)
  }
}

const other = ''

async function askOnce<Known>(question: Question<Known>, known: Known, terminal: Terminal): Promise<string> {
  const { ask, isSecret, isList, isClosed, choices } = question
  if (isSecret) return terminal.secret(ask)
  const found = (await choices?.(known).catch(() => [])) ?? []
  if (found.length > 0 && isList) return (await terminal.several(ask, found)).join(',')
  if (found.length > 0) {
    const chosen = await terminal.choose(
      ask,
      isClosed ? found : [...found, { value: other, label: 'Another one' }],
    )
    if (chosen !== other) return chosen
  }
  return terminal.text(`${ask} (${question.value})`, question.usual?.(known))
}

/** What is wrong with an answer, as a sentence; undefined where it was taken. */
async function problemWith<Known>(
  { take, value }: Question<Known>,
  answer: string,
  known: Known,
): Promise<string | undefined> {
  if (answer === '') return `Nothing was typed. Give ${value}.`
  try {
    await take(answer, known)
    return undefined
  } catch (error) {
    if (error instanceof UserError || error instanceof RangeError || error instanceof CommandFailed)
      return error.message
    throw error
  }
}

const decapitalised = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
