import { closestTo } from '../../closest.js'

/** A command line that could not be read, and what was being read. */
export interface Misread {
  /** What is wrong, in the words of yargs. */
  readonly message: string
  /** As it is typed. */
  readonly program: string
  /** Commands that were found, the outer first: `channel`, `open`. */
  readonly path: readonly string[]
  /** How the last of them is typed, without the program: `channel open`, `send <to> <amount>`. */
  readonly form: string
  /** Commands that can follow there. */
  readonly commands: readonly string[]
  /** Whether a name stands there as a flag, and which flags there are. */
  readonly isFlag: (name: string) => boolean
  readonly flags: Iterable<string>
  /** The words that are no flags, in order. */
  readonly words: readonly string[]
}

/** What is wrong with a command line, what was expected, and where to read on. */
export function explainMisread(misread: Misread): { message: string; cure: string } {
  const { program, path } = misread
  return { message: sentenceOf(misread), cure: `See ${[program, ...path].join(' ')} --help.` }
}

function sentenceOf(misread: Misread): string {
  const { message } = misread
  const [, unknown] = /^Unknown arguments?: ([^,]+)/.exec(message) ?? []
  if (unknown !== undefined)
    return misread.isFlag(unknown) ? strangeFlag(unknown, misread) : strangeWord(unknown, misread)
  const [, absent] = /^Missing required arguments?: (.+)/.exec(message) ?? []
  if (absent !== undefined) {
    const names = absent.split(', ').map((name) => `--${name}`)
    return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} missing.`
  }
  const [, hungry] = /^Not enough arguments following: (\S+)/.exec(message) ?? []
  if (hungry !== undefined) return `--${hungry} needs a value.`
  if (/^Not enough non-option arguments/.test(message))
    return `Something is missing: expected "${formOf(misread)}".`
  const [, name = '', given, choices = ''] =
    /^Invalid values:\s*Argument: (\S+), Given: (.+?), Choices: (.+)/.exec(message) ?? []
  if (given !== undefined)
    return `${misread.isFlag(name) ? `--${name}` : name} cannot be ${given}: expected ${choices.replace(/, (?=[^,]*$)/, ' or ')}.`
  // On one line, with a full stop.
  return message.replace(/\s*\n\s*/g, ' ').replace(/[^.?!]$/, '$&.')
}

function strangeFlag(name: string, { program, path, flags }: Misread): string {
  const all = [...flags]
  // One that other commands know is no slip of the finger.
  const meant = all.includes(name) ? undefined : closestTo(name, all)
  const hint = meant === undefined ? '' : ` Did you mean --${meant}?`
  return `${name.length === 1 ? '-' : '--'}${name} is not known to "${[program, ...path].join(' ')}".${hint}`
}

function strangeWord(word: string, misread: Misread): string {
  const { program, path, commands, words } = misread
  if (commands.length === 0) return `"${word}" is one word too many: expected "${formOf(misread)}".`
  const next = words[path.length + 1]
  // In the wrong order: "open channel".
  const swapped = next !== undefined && commands.includes(next) ? `${next} ${word}` : undefined
  const meant = swapped ?? closestTo(word, commands)
  const hint = meant === undefined ? '' : ` Did you mean "${[program, ...path, meant].join(' ')}"?`
  return `"${word}" is no command of ${[program, ...path].join(' ')}.${hint}`
}

const formOf = ({ program, form }: Misread): string =>
  `${program} ${form}${form.includes('[options]') || form.includes(' -- ') ? '' : ' [options]'}`
