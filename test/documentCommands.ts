import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a command is named without its program, it is this one's. */
const programOf = (document: string): string =>
  ({
    'docs/operations.md': 'pontage-hub',
    'docs/provider.md': 'pontage-provider',
    'docs/earning.md': 'pontage-provider',
  })[document] ?? 'pontage'
/** Begins like a command, and is what a log says. */
const logged = new Set(['draw failed', 'pool low', 'ledger unavailable', 'nonce taken by another program'])

/** A block that is set as code: what stands behind its first fence, and its lines. */
export interface CodeBlock {
  readonly info: string
  readonly lines: readonly string[]
}

const block = /^```([^\n`]*)\n(.*?)^```/gms

/** The blocks of a document, in order. */
export const blocksOf = (root: string, document: string): CodeBlock[] =>
  [...readFileSync(join(root, document), 'utf8').matchAll(block)].map(([, info = '', text = '']) => ({
    info,
    lines: text.replaceAll(/\\\n\s*/g, '').split('\n'),
  }))

/** Everything in a document that is set as code: lines of blocks, and pieces of text, each without its comment. */
export function codeOf(root: string, document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8').replace(block, '')
  const pieces = [...text.matchAll(/`([^`]+)`/g)].map(([, piece = '']) => piece)
  const lines = blocksOf(root, document).flatMap((each) => each.lines)
  return [...lines.map(withoutComment), ...pieces]
    .map((code) => code.replaceAll(/\s+/g, ' ').trim())
    .filter((code) => code !== '')
}

/** A line of a block as it is typed. */
export const withoutComment = (line: string): string => line.replace(/(^|\s+)#.*/, '')

/** A command line as its program and its words. */
export interface DocumentedCommand {
  readonly program: string
  readonly words: readonly string[]
}

/**
 * Undefined for other code.
 *
 * @param programs - What each program knows, by the words of its commands.
 */
export function commandIn(
  code: string,
  document: string,
  programs: ReadonlyMap<string, { has(command: string): boolean }>,
): DocumentedCommand | undefined {
  const words =
    code
      .replace(/^\$ /, '')
      .replace(/^sudo (-u \S+ )?/, '')
      .replaceAll('\\|', '|')
      .match(/"[^"]*"|[^\s[\]]+/g) ?? []
  const [first = ''] = words
  if (programs.has(first)) return words.length > 1 ? { program: first, words: words.slice(1) } : undefined
  const program = programOf(document)
  return programs.get(program)?.has(first) && !logged.has(code) ? { program, words } : undefined
}
