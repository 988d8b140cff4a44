import { spawn } from 'node:child_process'
import type { CommandModule } from 'yargs'
import { keystoreAddress } from '../home/homeFolder.js'
import type { CommonOptions } from '../program/program.js'
import { untilStopped } from '../program/untilStopped.js'
import { UserError } from '../program/userError.js'
import { printJson, printLines } from '../report/print.js'
import { runOwnCommand } from './ownProgram.js'
import { readPageFiles } from './pageFiles.js'
import { servePages } from './servePages.js'

/** Words of commands, by what they are called in the pages. */
export type DeedsOf = Readonly<Record<string, (fields: Fields) => readonly string[]>>

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
    async handler(argv: Options & { port: number; open: boolean }) {
      // Without a key there is nothing to show.
      await keystoreAddress(argv.home)
      const { reads, deeds, live, from } = options
      const own = settingsTyped(argv, options.environment)
      const served = await servePages(argv.port, {
        files: await readPageFiles(from),
        live: () => live(argv),
        reads: mapped(reads, (words) => () => runOwnCommand(words, own)),
        deeds: mapped(deeds, (wordsOf) => (fields) => runOwnCommand(wordsOf(fields), own)),
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
      await served.close()
    },
  }) as never

const flags = {
  port: {
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
  const value = fields[name]
  if (typeof value === 'string' && /^[^-\0][^\0]{0,199}$/.test(value)) return value
  throw new UserError(`"${name}" was ${JSON.stringify(value)}; expected a text that is not empty.`)
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
  const ours = ['port', 'open', 'json']
  const names = [...(argv.typed ?? [])].filter((name) => !ours.includes(name))
  const variable = (name: string) => `${environment}_${name.replaceAll('-', '_').toUpperCase()}`
  return Object.fromEntries([
    [variable('home'), argv.home],
    ...names.map((name) => [variable(name), String(given[name])]),
  ])
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
