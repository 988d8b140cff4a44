import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { isatty } from 'node:tty'
import yargs, { type Argv, type CommandModule, type Options } from 'yargs'
import { CommandFailed } from '../kernel/command.js'
import { codeOf, failureOf } from '../report/failure.js'
import { fiatFlags, showFiat } from '../report/fiat.js'
import type { LogLevel } from '../report/log.js'
import { beginPrinting, endPrinting, printFailure } from '../report/print.js'
import { withoutSecretsOf } from '../report/publicAddress.js'
import { configCommand } from './configCommand.js'
import { dashed } from './configuration.js'
import { explainMisread, type Misread } from './misread.js'
import { kindsOf, type SettingKind } from './settingKinds.js'
import { readBoolean, readSettingSources, type SettingValue } from './settingSources.js'
import { UserError } from './userError.js'
import { programVersion } from './version.js'

/** Exit codes every program shares: 0 done, 1 failed, 2 the command line is wrong. */
export const exitCode = { done: 0, failed: 1, usage: 2 } as const

/** What every command is given. */
export interface CommonOptions {
  /** Folder of the keystore, the configuration and the stored totals. */
  home: string
  logLevel: LogLevel
  /** Whether a program reads what is printed. */
  json: boolean
  /** Names of the settings that stand on the command line. */
  readonly typed?: ReadonlySet<string>
}

/**
 * Runs one command of a program. A setting is taken from the flag, else from the environment
 * (`PREFIX_SETTING`), else from `config.yaml` in the home folder, else from its default.
 * Ends the process only by setting its exit code; a failure is one sentence on standard error.
 */
export async function runProgram(options: {
  /** As it is typed, such as `pontage-hub`. */
  name: string
  description: string
  /** Prefix of environment variables, such as `PONTAGE_HUB`. */
  environment: string
  /** Folder below `~/.pontage` that is the default home. */
  folder: string
  commands: readonly CommandModule<CommonOptions, never>[]
  argv: readonly string[]
  /** Said below the help of every command. */
  notes?: readonly string[]
  /** What init writes down and `config` shows. */
  settings?: Readonly<Record<string, Options>>
  /** Settings of which every value holds, whether it is a flag, a variable or in the configuration. */
  cumulative?: readonly string[]
  /** Commands that undo what the program did to the machine: a setting that is wrong must not keep them from it. */
  undoing?: readonly string[]
  /** Told the settings that hold, also those that the command itself does not know, before it begins. */
  prepare?: (given: Readonly<Record<string, unknown>>) => void
  /** Home folder in place of the default. */
  home?: string | undefined
  /** What can follow these commands, for completion, by what is known in a home. */
  complete?: {
    readonly after: readonly string[]
    readonly words: (home: string) => Promise<readonly string[]>
  }
}): Promise<void> {
  const { name, environment, folder, commands, settings, cumulative = [], undoing = [] } = options
  process.env.PATH = withSystemFolders(process.env.PATH ?? '')
  const line = withHelpAsFlag(options.argv)
  const home = homeFrom(line, environment) ?? options.home ?? join(homedir(), '.pontage', folder)
  const common = commonFlags(home)
  const repeatable = [...cumulative, 'rpc']
  const kinds = kindsOf(commands, { ...common, ...settings })
  let values: readonly SettingValue[] = []
  beginPrinting(home, !asksForHelp(line) && typedJson(line) === true)
  try {
    const argv = withReadBooleans(line, kinds)
    if (!asksForHelp(argv)) {
      const network = typedValue('network', argv)
      const read = readSettingSources({
        ...{ kinds, environment, variables: process.env, home, network, repeatable },
      })
      values = read.values
      beginPrinting(home, typedJson(argv) ?? values.find((each) => each.name === 'json')?.value === true)
      refuse(name, read.problems, argv, undoing)
    }
    const shownConfig = configCommand({
      ...{ flags: settings ?? {}, common, cumulative },
      sources: () => values,
      isTyped: (setting) => isTyped(setting, argv),
    })
    const { after = [], words } = options.complete ?? {}
    const isCompleting = line.includes('--get-yargs-completions')
    const completed = { after, words: words && isCompleting ? await words(home) : [] }
    let parser = parserOf({ ...options, completed }, common, (given, instance) => {
      options.prepare?.({ ...given })
      forgetOthersSettings(given, instance, argv)
      refuseRepeated(given, kinds, repeatable)
      showFiat(given.fiat, given['fiat-rate'])
      const typed = new Set([...kinds.keys()].filter((setting) => isTyped(setting, argv)))
      // Not one of the arguments, among which the library would not know it.
      Object.defineProperty(given, 'typed', { value: typed, enumerable: false, configurable: true })
    })
    // The first of a name holds.
    parser = parser.config(Object.fromEntries(values.toReversed().map((each) => [each.name, each.value])))
    for (const command of settings === undefined ? commands : [...commands, shownConfig])
      parser = parser.command(command as CommandModule<CommonOptions, CommonOptions>)
    await parser.parseAsync([...argv])
    if (!asksForHelp(argv)) endPrinting()
  } catch (error) {
    report(name, error as Error, values, kinds, line)
  }
}

/** Where Debian keeps nft and ip, which the PATH of an ordinary user leaves out. */
const withSystemFolders = (path: string): string =>
  [...new Set([...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'])].join(delimiter)

const commonFlags = (home: string) =>
  ({
    home: {
      type: 'string',
      default: home,
      describe: 'Folder for keystore, configuration and stored totals',
    },
    'log-level': {
      choices: ['error', 'warn', 'info', 'debug'],
      default: 'info',
      describe: 'What is logged to standard error',
    },
    ...jsonFlag,
    ...fiatFlags,
  }) as const

/** What a program that reads the output asks for. */
export const jsonFlag = {
  json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
} as const

function parserOf(
  {
    name,
    description,
    notes = [],
    completed,
  }: {
    name: string
    description: string
    notes?: readonly string[]
    /** Words that can follow these commands. */
    completed: { readonly after: readonly string[]; readonly words: readonly string[] }
  },
  common: ReturnType<typeof commonFlags>,
  checked: (given: Record<string, unknown>, instance: unknown) => void,
): Argv<CommonOptions> {
  const parser = yargs()
  return parser
    .scriptName(name)
    .version(programVersion())
    .usage(`${name}: ${description}\n\nUsage: $0 <command> [options]`)
    .options(common)
    .strict()
    .middleware(checked as never, true)
    .demandCommand(1, `Give a command: "${name} setup" sets everything up.`)
    .wrap(isatty(1) ? Math.min(110, process.stdout.columns || 80) : 100)
    .epilogue(
      [
        'A setting is taken from its flag, the environment, config.yaml in the home folder, or its default, in this order.',
        'Exit codes: 0 success, 1 failure, 2 wrong command line.',
        ...notes,
      ].join('\n'),
    )
    .alias({ help: 'h', version: 'V' })
    .completion('completion', `Print a script for shell completion: source <(${name} completion)`, ((
      current: string,
      given: { _: readonly (string | number)[] },
      standard: (done: (error: Error | null, words: readonly string[]) => void) => void,
      done: (words: readonly string[]) => void,
    ) => {
      if (completed.after.includes(`${given._[1]}`) && !current.startsWith('-'))
        done(completed.words.filter((word) => word.startsWith(current)))
      else standard((_, words) => done(words))
    }) as never)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(message, placeIn(parser))
    }) as unknown as Argv<CommonOptions>
}

/** `help connect` as `connect --help`. */
const withHelpAsFlag = (argv: readonly string[]): readonly string[] =>
  argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv

const beforeDashes = (argv: readonly string[]): readonly string[] =>
  argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv

const asksForHelp = (argv: readonly string[]): boolean =>
  beforeDashes(argv).some((word) =>
    ['--help', '-h', '--version', '-V', 'completion', '--get-yargs-completions'].includes(word),
  )

/** The words with `--tls=yes` as the library reads it. @throws UsageError for neither yes nor no */
function withReadBooleans(
  argv: readonly string[],
  kinds: ReadonlyMap<string, SettingKind>,
): readonly string[] {
  const own = beforeDashes(argv)
  const read = own.map((word) => {
    const [, name = '', text = ''] = /^--([a-z][\w-]*)=(.*)$/s.exec(word) ?? []
    if (kinds.get(name)?.type !== 'boolean') return word
    try {
      return `--${name}=${readBoolean(`--${name}`, text)}`
    } catch (error) {
      throw new UsageError((error as Error).message)
    }
  })
  return [...read, ...argv.slice(own.length)]
}

/** @throws UserError for the first problem, unless the command is one that undoes: then it is said, and passed over. */
function refuse(
  name: string,
  problems: readonly string[],
  argv: readonly string[],
  undoing: readonly string[],
): void {
  const [first] = problems
  if (first === undefined) return
  if (!beforeDashes(argv).some((word) => undoing.includes(word))) throw new UserError(first)
  for (const problem of problems) process.stderr.write(`${name}: ${problem} It is passed over now.\n`)
}

type Place = Pick<Misread, 'path' | 'form' | 'commands'>

const nowhere: Place = { path: [], form: '', commands: [] }

class UsageError extends Error {
  constructor(
    message: string,
    readonly place: Place = nowhere,
  ) {
    super(message)
  }
}

/** What of yargs says how far it came; its types leave it out. */
interface Inner {
  getInternalMethods(): {
    getContext(): { commands: readonly string[]; fullCommands: readonly string[] }
    getCommandInstance(): { getCommands(): readonly string[] }
    getUsageInstance(): { getUsage(): readonly (readonly string[])[] }
  }
}

function placeIn(instance: unknown): Place {
  const { getContext, getCommandInstance, getUsageInstance } = (instance as Inner).getInternalMethods()
  const { commands: path, fullCommands } = getContext()
  // A command that says itself how it is typed does so with the program's name.
  const own = getUsageInstance()
    .getUsage()
    .map(([usage = '']) => usage)
    .find((usage) => !usage.includes('<command>'))
  return {
    path: [...path],
    form: own?.replace(/^\S+ /, '') ?? [...path.slice(0, -1), fullCommands.at(-1) ?? ''].join(' '),
    commands: getCommandInstance()
      .getCommands()
      .filter((command) => command !== 'completion'),
  }
}

/** Whether the command line asks for JSON, or for none; undefined where it does not say. */
function typedJson(argv: readonly string[]): boolean | undefined {
  const word = beforeDashes(argv).findLast((each) => /^--(no-)?json(=|$)/.test(each))
  return word === undefined ? undefined : !/^--no-json|=(false|no|off|0)$/i.test(word)
}

/**
 * Configuration and environment hold the settings of all commands: what this one does not know is passed over
 * there, but not on the command line.
 */
function forgetOthersSettings(
  given: Record<string, unknown>,
  instance: unknown,
  argv: readonly string[],
): void {
  const { key, alias } = (
    instance as { getOptions(): { key: Record<string, unknown>; alias: Record<string, string[]> } }
  ).getOptions()
  const known = new Set([...Object.keys(key), ...Object.keys(alias), ...Object.values(alias).flat()])
  for (const name of Object.keys(given))
    if (
      !['_', '$0', '--'].includes(name) &&
      !known.has(name) &&
      !known.has(dashed(name)) &&
      !isTyped(name, argv)
    )
      delete given[name]
}

/** @throws UsageError for a flag that was given twice and takes one value. */
function refuseRepeated(
  given: Record<string, unknown>,
  kinds: ReadonlyMap<string, SettingKind>,
  repeatable: readonly string[],
): void {
  for (const [name, { isList }] of kinds)
    if (Array.isArray(given[name]) && !isList && !repeatable.includes(name))
      throw new UsageError(`--${name} was given more than once: ${given[name].join(', ')}. Give it once.`)
}

/** Whether a setting stands on the command line; a word without dashes is the value of another one. */
const isTyped = (name: string, argv: readonly string[]): boolean =>
  beforeDashes(argv).some((word) => {
    const [, typed = ''] = /^--?(?:no-)?([^=]+)/.exec(word) ?? []
    return typed === name || typed === dashed(name)
  })

function report(
  name: string,
  error: Error,
  values: readonly SettingValue[],
  kinds: ReadonlyMap<string, SettingKind>,
  argv: readonly string[],
): void {
  if (error instanceof UsageError || error.name === 'YError') {
    const { message, cure } = explainMisread({
      ...{ message: error.message, program: name, flags: kinds.keys() },
      ...(error instanceof UsageError ? error.place : nowhere),
      isFlag: (flag) => isTyped(flag, argv),
      words: beforeDashes(argv).filter((word) => !word.startsWith('-')),
    })
    process.stderr.write(`${name}: ${message} ${cure}\n`)
    process.exitCode = exitCode.usage
    printFailure({ code: 'usage', message, cure })
    return
  }
  process.exitCode = exitCode.failed
  const secretive = values.filter(({ text }) => text.includes('://'))
  const addresses = secretive.flatMap(({ text }) => text.split(','))
  const clean = (text: string) =>
    addresses.reduce((left, address) => withoutSecretsOf(address.trim(), left), text)
  const where = origins(error.message, values)
  const said = isExplained(error) ? `${error.message}${where}` : (error.stack ?? error.message)
  process.stderr.write(`${name}: ${clean(said)}\n`)
  const failure = failureOf(codeOf(error), clean(error.message))
  printFailure({ ...failure, message: `${failure.message}${isExplained(error) ? clean(where) : ''}` })
}

/** Where the settings that a sentence names, or quotes, come from, where that is not the command line. */
function origins(message: string, values: readonly SettingValue[]): string {
  const named = values.filter(
    ({ name, text }) => new RegExp(`--${name}(?![\\w-])`).test(message) || message.includes(`"${text}"`),
  )
  return named.map(({ name, place }) => ` ${name} is set in ${place}.`).join('')
}

/** Where the message says what happened: a stack is for faults of ours. What the system refused names call and path. */
function isExplained(error: Error): boolean {
  const { syscall } = error as NodeJS.ErrnoException
  return (
    error instanceof UserError ||
    error instanceof RangeError ||
    error instanceof CommandFailed ||
    syscall !== undefined
  )
}

/** The home folder is needed before the rest is read, since the configuration lies in it. */
const homeFrom = (argv: readonly string[], environment: string): string | undefined =>
  argv.some((word) => /^--home(=|$)/.test(word))
    ? typedValue('home', argv)
    : process.env[`${environment}_HOME`]

/** What a flag of one value is given on the command line, before that is read as a whole. */
function typedValue(name: string, argv: readonly string[]): string | undefined {
  const flag = `--${name}`
  const own = beforeDashes(argv)
  const at = own.findIndex((word) => word === flag || word.startsWith(`${flag}=`))
  const word = own[at]
  return word === flag ? own[at + 1] : word?.slice(flag.length + 1)
}
