import yargs, { type CommandModule, type Options } from 'yargs'

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

/** What the library keeps of the options that a command declares. */
interface Declared {
  readonly key: Readonly<Record<string, unknown>>
  readonly number: readonly string[]
  readonly boolean: readonly string[]
  readonly array: readonly string[]
  readonly choices: Readonly<Record<string, readonly string[]>>
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
  const own = new Set(Object.keys((yargs() as unknown as { getOptions(): Declared }).getOptions().key))
  const visit = ({ command, builder }: AnyCommand): void => {
    const parser = yargs()
    const words = new Set(
      [
        ...[command ?? '']
          .flat()
          .join(' ')
          .matchAll(/[<[]([\w-]+)/g),
      ].map((each) => each[1]),
    )
    // Commands below this one have settings of their own.
    Object.assign(parser, {
      command: (nested: AnyCommand) => {
        visit(nested)
        return parser
      },
    })
    if (typeof builder === 'function') void builder(parser as never)
    else parser.options(builder ?? {})
    const declared = (parser as unknown as { getOptions(): Declared }).getOptions()
    for (const name of Object.keys(declared.key))
      if (!own.has(name) && !words.has(name)) kinds.set(name, kindOf(name, declared))
  }
  for (const command of commands) visit(command as AnyCommand)
  visit({ handler: () => undefined, builder: common })
  return kinds
}

const kindOf = (name: string, { number, boolean, array, choices }: Declared): SettingKind => ({
  type: boolean.includes(name) ? 'boolean' : number.includes(name) ? 'number' : 'text',
  isList: array.includes(name),
  choices: choices[name],
})
