import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root, sourceDate, version } from './repository.mjs'
import { roles } from './roles.mjs'

/**
 * The manual page of a program, made from what its commands answer to `--help`.
 *
 * @param {import('./roles.mjs').Role} role
 * @returns {string} in roff, for section 1.
 */
export function manualOf(role) {
  if (!manuals.has(role)) manuals.set(role, pageOf(role))
  return manuals.get(role)
}

/** Several packages hold the same program. */
const manuals = new Map()

function pageOf(role) {
  const { program } = roles[role]
  const texts = new Map(Object.entries(helpTexts(role)))
  const main = sectionsOf(texts.get('') ?? '')
  texts.delete('')
  const [, summary = ''] = main.head.split(`${program}: `)
  const date = new Date(sourceDate * 1_000).toISOString().slice(0, 10)
  const shared = new Set(main.options.map(({ term }) => term))
  return [
    `.TH ${program.toUpperCase()} 1 ${date} "Pontage ${version}" "User Commands"`,
    '.SH NAME',
    `${escaped(program)} \\- ${escaped(summary.split('\n')[0] ?? '')}`,
    '.SH SYNOPSIS',
    `.B ${escaped(program)}`,
    '.I command',
    '[options]',
    '.SH OPTIONS OF EVERY COMMAND',
    ...main.options.flatMap(entry),
    '.SH COMMANDS',
    ...[...texts.values()].flatMap((text) => commandSection(text, shared)),
    '.SH NOTES',
    ...main.tail.flatMap((line) => ['.PP', escaped(line)]),
    '',
  ].join('\n')
}

function helpTexts(role) {
  const asker = join(root, 'packaging', 'helpTexts.mjs')
  const main = join(root, role, 'dist', 'main.js')
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', NODE_NO_WARNINGS: '1', LC_ALL: 'C.UTF-8' }
  const said = execFileSync(process.execPath, [asker, main, roles[role].program], {
    env,
    encoding: 'utf8',
  })
  return JSON.parse(said.replaceAll('/nonexistent/.pontage', '~/.pontage'))
}

/** A command: how it is called, what it does, its words and its own options. Those above others only name them. */
function commandSection(text, shared) {
  const { head, positionals, options } = sectionsOf(text)
  const [usage = '', ...about] = head.split('\n').filter((line) => line !== '')
  return [
    `.SS ${escaped(usage)}`,
    escaped(about.join(' ')),
    ...[...positionals, ...options.filter(({ term }) => !shared.has(term))].flatMap(entry),
  ]
}

const entry = ({ term, text }) => ['.TP', `.B ${escaped(term)}`, escaped(text)]

/** The parts of a help text. */
function sectionsOf(text) {
  const [head = '', ...rest] = text.split(/\n(?=(?:Commands|Positionals|Options):\n)/)
  const part = (name) => rest.find((each) => each.startsWith(`${name}:\n`))?.slice(name.length + 2) ?? ''
  const [options = '', ...tail] = part('Options').split('\n\n')
  return {
    head: head.trim(),
    positionals: entriesOf(part('Positionals').split('\n\n')[0] ?? ''),
    options: entriesOf(options),
    tail: sentences(tail.join('\n').trim()),
  }
}

/** Entries of a table in two columns; what does not fit stands on the next lines. */
function entriesOf(table) {
  return table
    .split(/\n(?= {2,6}\S)/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const [, term = '', text = ''] = /^\s*(\S+(?:, \S+)*)\s+(.*)$/s.exec(block) ?? []
      return { term, text: text.replace(/\s+/g, ' ').trim() }
    })
}

const sentences = (text) => text.replace(/\n(?=\S)/g, ' ').split(/(?<=\.) (?=[A-Z]|\w+ exits)/)

/** As roff wants it: a hyphen that is typed, no line that begins like a request. */
const escaped = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
