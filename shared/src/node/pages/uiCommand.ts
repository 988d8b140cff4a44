import { spawn } from 'node:child_process'
import type { CommandModule } from 'yargs'
import { keystoreAddress } from '../home/homeFolder.js'
import { wholeNumber } from '../home/settings.js'
import type { CommonOptions } from '../program/program.js'
import { untilStopped } from '../program/untilStopped.js'
import { UserError } from '../program/userError.js'
import { printJson, printLines } from '../report/print.js'
import { createOwnProgram, type Words } from './ownProgram.js'
import { readPageFiles } from './pageFiles.js'
import { servePages } from './servePages.js'

/** Words of commands, by what they are called in the pages. */
export type DeedsOf = Readonly<Record<string, (fields: Fields) => readonly string[] | Words>>

/** What a program's pages show and do. */
export interface UiOptions<Options extends CommonOptions> {
  /** Prefix of its settings' variables, such as `PONTAGE_HUB`. */
  readonly environment: string
  /** `import.meta.url` of a module of the program. */
  readonly from: string
  readonly describe: string
  readonly flags: Readonly<Record<string, object>>
  readonly live: (argv: Options) => Promise<object>
  /** The command behind each thing that can be read. */
  readonly reads: Readonly<Record<string, readonly string[]>>
  /** The command behind each thing that can be done. */
  readonly deeds: DeedsOf
}

/** The command `ui`: pages for a browser on this machine, each answer and deed of which is a command of the program. */
export const uiCommand = <Options extends CommonOptions>(
  options: UiOptions<Options>,
): CommandModule<CommonOptions, never> =>
  ({
    command: 'ui',
    describe: options.describe,
    builder: (yargs: { options(flags: object): unknown }) => yargs.options({ ...options.flags, ...flags }),
    async handler(argv: Options & { pagePort: number; open: boolean }) {
      // Without a key there is nothing to show.
      await keystoreAddress(argv.home)
      const { reads, deeds, live, from } = options
      const typed = settingsTyped(argv, options.environment)
      const own = createOwnProgram(typed)
      const served = await servePages(wholeNumber('--page-port', argv.pagePort, 0, 65_535), {
        files: await readPageFiles(from),
        live: () => live(argv),
        reads: mapped(reads, (words) => async () => asTyped(await own.read(words), typed)),
        deeds: mapped(deeds, (wordsOf) => async (fields) => {
          const words = wordsOf(fields)
          return asTyped(await own.act('words' in words ? words : { words }), typed)
        }),
      })
      const link = served.link('act')
      const looking = served.link('read')
      if (argv.json) printJson({ link, looking })
      else
        printLines(
          `Open this once, in a browser on this machine: ${link}`,
          `For looking only:                             ${looking}`,
          'Ctrl-C ends the pages; what runs goes on.',
        )
      if (argv.open) openBrowser(link)
      await untilStopped('ends')
      own.close()
      await served.close()
    },
  }) as never

const flags = {
  // Not "port", which in the configuration of a hub or provider is where it serves.
  'page-port': {
    type: 'number',
    default: 0,
    describe: 'Port on this machine for the pages; 0 for any that is free',
  },
  open: {
    type: 'boolean',
    default: true,
    describe: 'Open a browser where there is a desktop (--no-open to only print the link)',
  },
} as const

type Fields = Readonly<Record<string, unknown>>

/** A field of a deed, as a word of a command. @throws UserError where it could be none, or a flag */
export function wordOf(fields: Fields, name: string): string {
  const value = textOf(fields, name)
  if (/^[^-\p{Cc}][^\p{Cc}]{0,199}$/u.test(value)) return value
  throw new UserError(`"${name}" was ${quoted(value)}; expected a word that begins with no dash.`)
}

/** As it came, where it is not too long to be shown. */
const quoted = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length > 80 ? `${text.slice(0, 80)}… (${text.length} characters)` : text
}

/** A field of a deed, as a command reads it on standard input. @throws UserError where it is none */
export function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value === 'string' && value !== '') return value
  throw new UserError(`"${name}" was ${quoted(value)}; expected a text.`)
}

/** These fields as flags of a command, `--cap=50MB`. @throws UserError where one is missing */
export const requiredFlags = (fields: Fields, ...names: readonly string[]): string[] =>
  names.map((name) => `--${name}=${wordOf(fields, name)}`)

/** As `requiredFlags`, without those that are empty. */
export const optionalFlags = (fields: Fields, ...names: readonly string[]): string[] =>
  names
    .filter((name) => ![undefined, ''].includes(fields[name] as never))
    .flatMap((name) => requiredFlags(fields, name))

/** The settings on our own command line as variables, which commands that do not know them pass over. */
function settingsTyped(argv: CommonOptions, environment: string): NodeJS.ProcessEnv {
  const given = argv as unknown as Readonly<Record<string, unknown>>
  const ours = ['page-port', 'open', 'json']
  const names = [...(argv.typed ?? [])].filter((name) => !ours.includes(name))
  const variable = (name: string) => `${environment}_${name.replaceAll('-', '_').toUpperCase()}`
  return Object.fromEntries(names.map((name) => [variable(name), String(given[name])]))
}

/** Our own flags go to commands as variables: where these are told with their places, they are flags again. */
export function asTyped(answer: object, typed: NodeJS.ProcessEnv): object {
  const { settings, error } = answer as {
    settings?: readonly { readonly setting: string; readonly place?: string }[]
    error?: { readonly message: string }
  }
  const isOurs = (place: string) => Object.hasOwn(typed, place) && process.env[place] !== typed[place]
  if (error !== undefined) {
    const message = error.message.replaceAll(/(\S+) is set in (\S+)\./g, (said, setting, place) =>
      isOurs(place) ? `--${setting} was given to these pages.` : said,
    )
    return { ...answer, error: { ...error, message } }
  }
  if (!Array.isArray(settings)) return answer
  const told = settings
    // That pages are told objects is no setting of anybody's.
    .filter(({ setting }) => setting !== 'json')
    .map((each) => (isOurs(each.place ?? '') ? { ...each, from: 'flag', place: `--${each.setting}` } : each))
  return { ...answer, settings: told }
}

const mapped = <From, To>(
  table: Readonly<Record<string, From>>,
  change: (from: From) => To,
): Readonly<Record<string, To>> =>
  Object.fromEntries(Object.entries(table).map(([name, from]) => [name, change(from)]))

/** Root starts no browser: it would run with root's rights. */
function openBrowser(link: string): void {
  const hasDesktop = process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined
  if (!hasDesktop || process.getuid?.() === 0) return
  spawn('xdg-open', [link], { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref()
}
