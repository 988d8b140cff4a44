import type { CommandModule, Options } from 'yargs'

/** A setting as a program declares it. */
export type Flag = Options & {
  /** Names a file: written down, it is a whole path, since the program may be started elsewhere. */
  readonly isPath?: boolean
}

/** What kind of value a setting takes. */
export interface SettingKind {
  readonly type: 'text' | 'number' | 'boolean'
  readonly isList: boolean
  readonly choices: readonly string[] | undefined
}

type AnyCommand = CommandModule<never, never>

/**
 * The settings that any of these commands knows, by name: all of them can stand in the environment and in the
 * configuration, which are one for the whole program. What is typed without dashes is no setting.
 */
export function kindsOf(
  commands: readonly Pick<CommandModule, 'command'>[],
  common: Readonly<Record<string, Options>>,
): ReadonlyMap<string, SettingKind> {
  const kinds = new Map<string, SettingKind>()
  const visit = ({ command, builder }: AnyCommand): void => {
    const typedAlone = [
      ...[command ?? '']
        .flat()
        .join(' ')
        .matchAll(/[<[]([\w-]+)/g),
    ].map(([, name]) => name)
    const declare = (name: string, option: Options) => {
      for (const each of [name, ...[option.alias ?? []].flat()])
        if (!typedAlone.includes(each)) kinds.set(each, kindOf(option))
    }
    if (typeof builder === 'function') void builder(declaring(declare, visit) as never)
    else for (const [name, option] of Object.entries(builder ?? {})) declare(name, option as Options)
  }
  for (const command of commands) visit(command as AnyCommand)
  visit({ handler: () => undefined, builder: common })
  return kinds
}

/** Stands in for the library's parser, of which each takes a millisecond: hears what a command declares, and does nothing else. */
function declaring(declare: (name: string, option: Options) => void, nested: (command: AnyCommand) => void) {
  const heard = {
    option(names: string | Readonly<Record<string, Options>>, option: Options = {}) {
      if (typeof names === 'string') declare(names, option)
      else for (const [name, each] of Object.entries(names)) declare(name, each)
      return parser
    },
    // What is typed without dashes is no setting.
    positional: () => parser,
    // Commands below this one have settings of their own.
    command(command: AnyCommand) {
      nested(command)
      return parser
    },
  }
  const all: Readonly<Record<PropertyKey, unknown>> = { ...heard, options: heard.option }
  const parser: unknown = new Proxy(all, { get: (known, name) => known[name] ?? (() => parser) })
  return parser
}

const kindOf = ({ type, choices, array }: Options): SettingKind => ({
  type: type === 'boolean' || type === 'number' ? type : 'text',
  isList: type === 'array' || array === true,
  choices: choices as readonly string[] | undefined,
})
