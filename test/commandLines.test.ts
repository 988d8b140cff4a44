import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { codeOf, commandIn } from './documentCommands.js'
import { helpOf } from './programHelp.js'

// What the documents tell people to type is held against what the programs, as built, say that they know.

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = new Map(
  ['pontage-hub', 'pontage-provider', 'pontage'].map((name) => [name, helpOf(root, name)]),
)
const flagsOfAll = new Set(
  [...programs.values()].flatMap((commands) =>
    [...commands.values()].flatMap(({ flags }) => [...flags.keys()]),
  ),
)

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]
/** What is wrong with a command line; undefined when nothing is. */
function problemWith({ program, words }: { program: string; words: readonly string[] }): string | undefined {
  const commands = programs.get(program)
  const own = words.slice(0, words.includes('--') ? words.indexOf('--') : undefined)
  const depth = commands?.has(own.slice(0, 2).join(' ')) ? 2 : 1
  if (own[0]?.startsWith('-')) return isKnown(own[0], flagsOfAll) ? undefined : `knows no ${own[0]}`
  const help = commands?.get(own.slice(0, depth).join(' '))
  if (!help) return `knows no command ${own[0]}`
  const rest = own.slice(depth)
  const positionals: string[] = []
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ''
    if (!word.startsWith('--')) {
      if (word !== '…') positionals.push(word)
      continue
    }
    if (!word.split('|').every((each) => isKnown(each, help.flags))) return `knows no ${word} there`
    const takesValue = help.flags.get(nameOf(word))
    if (takesValue && !word.includes('=')) at++
  }
  if (positionals.length > help.positionals) return `takes no "${positionals.at(-1)}" there`
  const wrong = positionals[0]?.split('|').find((word) => help.choices && !help.choices.includes(word))
  return wrong === undefined ? undefined : `knows no "${wrong}" there, but ${help.choices?.join(', ')}`
}

const nameOf = (flag: string): string => flag.replace(/^--/, '').replace(/=.*/, '')
const isKnown = (flag: string, flags: { has(name: string): boolean }): boolean =>
  flags.has(nameOf(flag)) || flags.has(nameOf(flag).replace(/^no-/, ''))

it.each(documents)('%s names no command and no flag that the programs do not know', (document) => {
  const wrong = codeOf(root, document).flatMap((code) => {
    const command = commandIn(code, document, programs)
    const problem = command ? problemWith(command) : undefined
    return problem === undefined ? [] : [`${code}: ${command?.program} ${problem}`]
  })
  const flags = codeOf(root, document).flatMap((code) =>
    /^--[a-z-]+/.test(code) ? [code.split(/[ =]/)[0] ?? ''] : [],
  )
  const strange = flags.filter((flag) => !isKnown(flag, flagsOfAll))
  expect([...wrong, ...strange]).toEqual([])
})

it('sees through what is wrong', () => {
  const problems = [
    'ledger restore FILE',
    'ledger backup FILE twice again',
    'status --jsno',
    'daw --now',
    'draw --now',
    'run --port 1 --no-tls',
  ].map((line) => problemWith({ program: 'pontage-hub', words: line.split(' ') }) ?? 'fine')
  expect(problems).toEqual([
    expect.stringMatching(/^knows no "restore" there, but backup/),
    'takes no "again" there',
    'knows no --jsno there',
    'knows no command daw',
    'fine',
    'fine',
  ])
  expect(
    documents.flatMap((each) => codeOf(root, each).filter((code) => commandIn(code, each, programs))).length,
  ).toBeGreaterThan(80)
})
