import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

// What the documents name must be there: files and folders of the repository, and what links lead to.

const root = fileURLToPath(new URL('..', import.meta.url))
const documents = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
  join('channel-contracts', 'README.md'),
].filter((name) => name.endsWith('.md'))

const folders = 'channel-contracts|shared|hub|provider|consumer|test|scripts|bench|docs|\\.ci|\\.github'
/** A path from the root, or a file of one workspace with its extension; not part of a longer path or an address. */
const path = new RegExp(`(?<![\\w@/.~-])(?:${folders})/[\\w./-]*\\w`, 'g')

/** Paths in a text that is no link, and where a document's own links lead, from the root. */
function pathsIn(text: string, document: string): string[] {
  const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
  const ours = links.filter((target) => !/^[a-z]+:/.test(target))
  const words = text.replaceAll(/\]\([^)]*\)/g, ']').matchAll(path)
  return [
    ...[...words].map(([found]) => found),
    ...ours.map((target) => relative(root, resolve(root, dirname(document), target))),
  ]
}

/** The README of the contracts names files of its own workspace too. */
const isThere = (found: string, document: string): boolean =>
  [root, join(root, dirname(document))].some((from) => existsSync(join(from, found)))

describe.each(documents)('%s', (document) => {
  it('names only files and folders that exist', () => {
    const named = pathsIn(readFileSync(join(root, document), 'utf8'), document)
    expect(named.filter((found) => !isThere(found, document))).toEqual([])
  })
})

it('names only npm scripts that exist', () => {
  const scripts = (workspace: string): Record<string, string> =>
    JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')).scripts ?? {}
  const missing = documents.flatMap((document) =>
    [
      ...readFileSync(join(root, document), 'utf8').matchAll(
        /\bnpm (?:run (?:-s )?)?([\w:]+)(?: -w ([\w-]+))?/g,
      ),
    ]
      .filter(([line, name = '']) => line.includes(' run ') || name === 'test')
      .filter(([, name = '', workspace = '']) => !(name in scripts(workspace)))
      .map(([line]) => `${document}: ${line}`),
  )
  expect(missing).toEqual([])
})

it('numbers the decisions one after the other, in name and title', () => {
  const names = readdirSync(join(root, 'docs', 'decisions')).sort()
  const titled = names.map((name) => {
    const [title = ''] = readFileSync(join(root, 'docs', 'decisions', name), 'utf8').split('\n')
    return [name.slice(0, 4), /^# (\d+)\. \S/.exec(title)?.[1]?.padStart(4, '0')]
  })
  const numbers = names.map((_name, index) => String(index + 1).padStart(4, '0'))
  expect(titled).toEqual(numbers.map((number) => [number, number]))
})

/** A price as a person would read it, but for its token; the placeholders of a template count as amounts. */
const nakedPrice = /(?:\d|(?<!symbol)\})\/(?:MB|GB|TB|h)\b/

it('prints no price without its token', () => {
  const shown = [
    'demo.md',
    ...readdirSync(join(root, 'docs', 'screens'))
      // What a picture is made of reads like anything by chance.
      .filter((name) => name.endsWith('.txt'))
      .map((name) => join('screens', name)),
  ]
  const sources = ['shared', 'hub', 'provider', 'consumer'].flatMap((workspace) =>
    readdirSync(join(root, workspace, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/\.(test|suite|fixture)\.ts$/.test(name))
      .map((name) => join(workspace, 'src', name)),
  )
  const isTemplate = (line: string) => line.includes('`') && line.includes('${')
  const naked = [...shown.map((name) => join('docs', name)), ...sources].flatMap((name) =>
    readFileSync(join(root, name), 'utf8')
      .split('\n')
      // What a person types has no token: the deployment has only one.
      .filter((line) => nakedPrice.test(line.replace(/such as \S+/, '')))
      .filter((line) => name.startsWith('docs') || isTemplate(line))
      .map((line) => `${name}: ${line.trim()}`),
  )
  expect(naked).toEqual([])
  const placeholder = (name: string) => `$\{${name}}/GB`
  expect(['DE  20/GB', placeholder('price')].every((text) => nakedPrice.test(text))).toBe(true)
  expect(['DE  20 PTT/GB', placeholder('symbol')].some((text) => nakedPrice.test(text))).toBe(false)
})

it('sees paths in pictures, tables and links', () => {
  const text =
    '│ shared/src/wire.ts │ `hub/src/app/gone/` [why](../decisions/none.md) /opt/pontage/hub/bin wss://hub/x'
  expect(pathsIn(text, 'docs/architecture.md')).toEqual([
    'shared/src/wire.ts',
    'hub/src/app/gone',
    'decisions/none.md',
  ])
})
