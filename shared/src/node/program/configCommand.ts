import type { CommandModule, Options } from 'yargs'
import { printJson, printLines } from '../report/print.js'
import { publicAddresses } from '../report/publicAddress.js'
import type { SettingValue } from './settingSources.js'

/** What holds for one setting, and where it came from. */
interface Holding {
  readonly setting: string
  /** What it is for; left out where no command says so. */
  readonly means?: string
  /** As text; null where it is not set. */
  readonly value: string | null
  readonly from: 'flag' | SettingValue['from'] | 'default'
  /** The flag or variable, `PATH, line N`, or the network's file. */
  readonly place?: string
}

/**
 * The command that shows what holds and where it came from. User, password and path of addresses are left out.
 *
 * @param options.flags - The program's settings.
 * @param options.sources - What environment, configuration and network say, the first of a name before the others.
 * @param options.cumulative - Settings of which every value holds, wherever it stands.
 * @param options.isTyped - Whether a setting stands on the command line.
 */
export const configCommand = (options: {
  flags: Readonly<Record<string, Options>>
  common: Readonly<Record<string, Options>>
  sources: () => readonly SettingValue[]
  cumulative: readonly string[]
  isTyped: (name: string) => boolean
  // biome-ignore lint/suspicious/noExplicitAny: a program takes commands of any options.
}): CommandModule<any, any> => ({
  command: 'config',
  describe: 'Show every setting and where it comes from: flag, environment, configuration file or default',
  builder: options.flags,
  handler(given: Record<string, unknown>) {
    const { flags, common, sources, cumulative, isTyped } = options
    const table = { ...common, ...flags }
    const names = new Set([...Object.keys(table), ...sources().map(({ name }) => name)])
    const holdings = [...names].flatMap((setting): Holding[] => {
      const typed: Holding[] = isTyped(setting)
        ? [{ setting, value: shown(given[setting]), from: 'flag', place: `--${setting}` }]
        : []
      const set = sources()
        .filter(({ name }) => name === setting)
        .map(({ value, from, place }): Holding => ({ setting, value: shown(value), from, place }))
      const holding = [...typed, ...set].slice(0, cumulative.includes(setting) ? undefined : 1)
      return holding.length > 0
        ? holding
        : [{ setting, value: shown(table[setting]?.default), from: 'default' }]
    })
    if (given.json === true)
      return printJson({
        settings: holdings.map((each) => ({ ...each, means: table[each.setting]?.describe })),
      })
    const width = (of: (each: Holding) => string) => Math.max(...holdings.map((each) => of(each).length))
    const [first, second] = [width(({ setting }) => setting), Math.min(48, width(textOf))]
    printLines(
      ...holdings.map((each) =>
        [each.setting.padEnd(first), textOf(each).padEnd(second), each.place ?? each.from].join('  '),
      ),
    )
  },
})

const textOf = ({ value }: Holding): string => value ?? '-'

const shown = (value: unknown): string | null =>
  value === undefined || value === null ? null : publicAddresses([value].flat().join(', '))
