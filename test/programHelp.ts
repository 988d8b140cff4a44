import { execFileSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What a program says of one of its commands. */
export interface CommandHelp {
  /** Words that may follow without a flag. */
  readonly positionals: number
  /** What the first of them may be, where that is fixed. */
  readonly choices: readonly string[] | undefined
  /** By name, without dashes: whether it takes a value. */
  readonly flags: ReadonlyMap<string, boolean>
}

/** The commands of a built program, such as `channel open`, by their words. */
export function helpOf(repository: string, name: string): ReadonlyMap<string, CommandHelp> {
  const program = realpathSync(join(repository, 'node_modules', '.bin', name))
  const main = join(dirname(program), '..', 'dist', 'main.js')
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', NODE_NO_WARNINGS: '1' }
  const options = { env, encoding: 'utf8', timeout: 100_000 } as const
  const asker = join(repository, 'packaging', 'helpTexts.mjs')
  const said = execFileSync(process.execPath, [asker, main, name], options)
  const texts = Object.entries(JSON.parse(said) as Record<string, string>)
  return new Map(texts.map(([command, text]) => [command, understood(text)]))
}

function understood(text: string): CommandHelp {
  const [usage = ''] = text.split('\n')
  const blocks = text.split(/\n(?=\s+(?:-\w, )?--[a-z])/).slice(1)
  const flags = blocks.map((block): [string, boolean] => {
    const name = /--([a-z0-9-]+)/.exec(block)?.[1] ?? ''
    return [name, !/\[boolean\]/.test(block)]
  })
  const first = /[<[]([a-z]+)[\]>]/.exec(usage)?.[1]
  const block = blocks.find((each) => first !== undefined && new RegExp(`^\\s+--${first}\\s`).test(each))
  const choices = /\[choices: ([^\]]+)\]/.exec(block?.replace(/\s+/g, ' ') ?? '')?.[1]
  return {
    positionals: [...usage.matchAll(/[<[][a-z.]+[\]>]/g)].length,
    choices: choices?.match(/[^", ]+/g) ?? undefined,
    flags: new Map(flags),
  }
}
