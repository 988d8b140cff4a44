import { blocksOf, codeOf, commandIn, withoutComment } from '../documentCommands.js'
import type { CommandHelp } from '../programHelp.js'

type Programs = ReadonlyMap<string, ReadonlyMap<string, CommandHelp>>

/** A document as somebody follows it: commands come out of it as they stand there, and it knows which were followed. */
export class Guide {
  readonly followed = new Set<string>()
  private readonly code: readonly string[]

  constructor(
    private readonly root: string,
    readonly document: string,
    private readonly programs: Programs,
  ) {
    this.code = codeOf(root, document)
  }

  /** The lines of the block that is meant for a role, in order. @throws Error when there is none. */
  block(role: string): readonly string[] {
    const [found] = blocksOf(this.root, this.document).filter(({ info }) => info === `sh ${role}`)
    if (found === undefined) throw new Error(`${this.document} has no block for "${role}".`)
    const lines = found.lines.map(withoutComment).filter((line) => line !== '')
    for (const line of lines) this.followed.add(line.replaceAll(/\s+/g, ' '))
    return lines
  }

  /** The first command that stands there and begins like this. @throws Error when the document names none. */
  command(beginning: string): string {
    const found = [beginning, ...this.code.filter((code) => code.startsWith(`${beginning} `))].find((code) =>
      this.code.includes(code),
    )
    if (found === undefined) throw new Error(`${this.document} names no command "${beginning}".`)
    this.followed.add(found)
    return found
  }

  /** A command without its parts in brackets, and with each of them: `offer [withdraw|renew]` is three. */
  ways(beginning: string): readonly string[] {
    return waysOf(this.command(beginning).replaceAll('\\|', '|'))
  }

  /** A command with its program. */
  private meant(code: string): string | undefined {
    const command = commandIn(code, this.document, this.programs)
    return command && [command.program, ...command.words].join(' ')
  }

  /** Commands of the document that nobody followed, nor any longer form of them, here or in the others. */
  left(others: readonly Guide[]): readonly string[] {
    const done = others.flatMap((guide) => [...guide.followed].flatMap((code) => guide.meant(code) ?? []))
    return [...new Set(this.code)].filter((code) => {
      const command = this.meant(code)
      return command !== undefined && !done.some((each) => `${each} `.startsWith(`${command} `))
    })
  }
}

function waysOf(text: string): string[] {
  const parts = [...text.matchAll(/\s*\[([^\]]*)\]/g)]
  const bare = parts.reduce((left, [all]) => left.replace(all, ''), text)
  const choices = parts.flatMap(([, inside = '']) => {
    const [first = '', ...others] = inside.split('|')
    // "--by day|session" names one word that differs, "add|unbond" whole words.
    const begin = first.slice(0, first.lastIndexOf(' ') + 1)
    return [first, ...others.map((other) => `${begin}${other}`)]
  })
  return [bare, ...choices.map((choice) => `${bare} ${choice}`)]
}

/** A command with everything put in that the documents say to put in. @throws Error for what is left. */
export function filled(command: string, values: Readonly<Record<string, string>>): string {
  let text = command
  for (const [name, value] of Object.entries(values)) text = text.replaceAll(name, value)
  const left = /(?<![\w./$-])(?:0x)?[A-Z]{3,}(?![\w./=-])|…|example\.org/.exec(text)
  if (left !== null) throw new Error(`"${command}": nobody says what "${left[0]}" stands for.`)
  return text
}
