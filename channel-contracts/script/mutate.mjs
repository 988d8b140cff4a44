/**
 * Plants faults in Solidity source: every comparison flipped and moved by one, every check dropped, every store
 * left out, every sum and choice of the larger or smaller turned round.
 */

/** @typedef {{file: string, line: number, kind: string, before: string, after: string, source: string}} Mutant */

const flips = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==', '&&': '||', '||': '&&' }
const turns = { '_min(': '_max(', '_max(': '_min(', ' + ': ' - ', ' - ': ' + ', '++': '--', '--': '++' }

/**
 * @param {string} file - Name shown with each mutant.
 * @param {string} source
 * @returns {Mutant[]}
 */
export function mutantsOf(file, source) {
  const plain = blank(source)
  const found = []
  const plant = (kind, start, end, after) => {
    const before = source.slice(start, end)
    found.push({
      file,
      line: source.slice(0, start).split('\n').length,
      kind,
      before: before.replace(/\s+/g, ' ').slice(0, 90),
      after: after.replace(/\s+/g, ' ').slice(0, 90),
      source: source.slice(0, start) + after + source.slice(end),
    })
  }
  for (const body of functionBodies(plain)) {
    const text = plain.slice(body.start, body.end)
    for (const { 1: operator, index } of text.matchAll(/ (<=|>=|==|!=|<|>|&&|\|\|) /g)) {
      const at = body.start + index + 1
      plant('flipped', at, at + operator.length, flips[operator])
    }
    for (const { 0: turned, index } of text.matchAll(/\b_min\(|\b_max\(| \+ | - |\+\+|--/g)) {
      if (isInLoopHead(text, index)) continue
      plant('turned', body.start + index, body.start + index + turned.length, turns[turned])
    }
    for (const { index } of text.matchAll(/\bif \(/g)) {
      const open = body.start + index + 3
      const close = closing(plain, open)
      if (/^\s*\{?\s*revert\b/.test(plain.slice(close))) plant('unchecked', open + 1, close - 1, 'false')
    }
    for (const { 2: statement, index, 1: space } of text.matchAll(/(^\s*)(_check\w+\([^;{]*;)/gm)) {
      plant(
        'unchecked',
        body.start + index + space.length,
        body.start + index + space.length + statement.length,
        ';',
      )
    }
    const stores =
      /(^\s*|\) )((?:\+\+|--|delete )?[\w.]+(?:\[[^\]\n]*\])*(?:\.\w+)*(?: (?:=|\+=|-=) [^;{]*)?;)/gm
    for (const { 2: statement, index, 1: space } of text.matchAll(stores)) {
      if (!/^(\+\+|--|delete )|[.\]][\w.]* (=|\+=|-=) /.test(statement)) continue
      const at = body.start + index + space.length
      plant('not stored', at, at + statement.length, ';')
    }
  }
  return found.map((mutant, index) => ({ ...mutant, index }))
}

/** The source with comments and strings blanked out, so that positions stay. */
function blank(source) {
  return source.replace(/\/\/.*|\/\*[\s\S]*?\*\/|"[^"\n]*"/g, (hidden) => hidden.replace(/[^\n]/g, ' '))
}

/** Bodies of functions and constructors. */
function* functionBodies(plain) {
  for (const { index } of plain.matchAll(/^ {4}(?:function \w+|constructor)\b/gm)) {
    const open = plain.indexOf('{', index)
    const semicolon = plain.indexOf(';', index)
    if (semicolon !== -1 && semicolon < open) continue
    yield { start: open, end: closing(plain, open) }
  }
}

/** Position after the bracket that closes the one at `open`. */
function closing(plain, open) {
  let depth = 0
  for (let at = open; at < plain.length; at += 1) {
    if ('({'.includes(plain[at])) depth += 1
    if (')}'.includes(plain[at])) depth -= 1
    if (depth === 0) return at + 1
  }
  throw new Error('A bracket is not closed.')
}

const isInLoopHead = (text, index) => {
  const line = text.slice(text.lastIndexOf('\n', index) + 1, index)
  return line.trimStart().startsWith('for (')
}
