import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isatty } from 'node:tty'
import { parse } from 'yaml'
import yargs, { type Argv, type CommandModule } from 'yargs'
import type { LogLevel } from '../report/log.js'
import { UserError } from './userError.js'

/** Exit codes every program shares: 0 done, 1 failed, 2 the command line is wrong. */
export const exitCode = { done: 0, failed: 1, usage: 2 } as const

/** What every command is given. */
export interface CommonOptions {
  /** Folder of the keystore, the configuration and the stored totals. */
  home: string
  logLevel: LogLevel
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
}): Promise<void> {
  const { name, description, environment, folder, commands, argv, notes = [] } = options
  const home = homeFrom(argv, environment) ?? join(homedir(), '.pontage', folder)
  let parser = yargs()
    .scriptName(name)
    .usage(`${name}: ${description}\n\nUsage: $0 <command> [options]`)
    .env(environment)
    .option('home', {
      type: 'string',
      default: home,
      describe: 'Folder for keystore, configuration and stored totals',
    })
    .option('log-level', {
      choices: ['error', 'warn', 'info', 'debug'] as const,
      default: 'info' as LogLevel,
      describe: 'What is logged to standard error',
    })
    .strict()
    .middleware(
      ((given: Record<string, unknown>, instance: unknown) =>
        forgetOthersSettings(given, instance, argv)) as never,
      true,
    )
    .recommendCommands()
    .demandCommand(1, 'Give a command.')
    .wrap(isatty(1) ? Math.min(110, process.stdout.columns ?? 80) : 100)
    .epilogue(
      [
        'A setting is taken from its flag, the environment, config.yaml in the home folder, or its default, in this order.',
        'Exit codes: 0 success, 1 failure, 2 wrong command line.',
        ...notes,
      ].join('\n'),
    )
    .completion('completion', 'Print a script for shell completion: source <($0 completion)')
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(message)
    }) as unknown as Argv<CommonOptions>
  try {
    parser = parser.config(readConfiguration(home))
    for (const command of commands)
      parser = parser.command(command as CommandModule<CommonOptions, CommonOptions>)
    await parser.parseAsync([...argv])
  } catch (error) {
    report(name, error as Error)
  }
}

class UsageError extends Error {}

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
  const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const isTyped = (name: string) =>
    argv.some((word) => [name, dashed(name)].includes(word.replace(/^--?(no-)?/, '').replace(/=.*/s, '')))
  for (const name of Object.keys(given))
    if (!['_', '$0', '--'].includes(name) && !known.has(name) && !known.has(dashed(name)) && !isTyped(name))
      delete given[name]
}

function report(name: string, error: Error): void {
  if (error instanceof UsageError || error.name === 'YError') {
    process.stderr.write(`${name}: ${sentence(error.message)} See ${name} --help.\n`)
    process.exitCode = exitCode.usage
    return
  }
  process.exitCode = exitCode.failed
  const known = error instanceof UserError || error instanceof RangeError
  process.stderr.write(`${name}: ${known ? error.message : (error.stack ?? error.message)}\n`)
}

/** The parser's words on one line, with a full stop. */
const sentence = (words: string): string => words.replace(/\s*\n\s*/g, ' ').replace(/[^.?!]$/, '$&.')

/** The home folder is needed before the rest is read, since the configuration lies in it. */
function homeFrom(argv: readonly string[], environment: string): string | undefined {
  const at = argv.findIndex((word) => word === '--home' || word.startsWith('--home='))
  const word = argv[at]
  if (word === undefined) return process.env[`${environment}_HOME`]
  return word === '--home' ? argv[at + 1] : word.slice('--home='.length)
}

/** The settings in a home's `config.yaml`, by their names there; none where there is no file. @throws UserError */
export function readConfiguration(home: string): Record<string, unknown> {
  const path = join(home, 'config.yaml')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return {} // No configuration yet: defaults and flags serve.
  }
  try {
    const settings: unknown = parse(text)
    if (settings === null) return {}
    if (typeof settings === 'object' && !Array.isArray(settings)) return settings as Record<string, unknown>
    throw new Error('expected lines of the form "setting: value"')
  } catch (cause) {
    throw new UserError(
      `${path} cannot be read: ${(cause as Error).message.split(/:?\n/)[0]}. Fix the file, or move it away.`,
      { cause },
    )
  }
}
