/**
 * @typedef {object} Mutation
 * @property {string} file Path of the source from the workspace.
 * @property {number} line Of the change, from 1.
 * @property {number} start Offset of what is replaced.
 * @property {number} end
 * @property {string} replacement
 * @property {string} name What it does to which line, as it is listed: stable while the line stays.
 */

/**
 * The faults that can be planted in one Solidity source: each comparison flipped or off by one, each check and each
 * store dropped, each sum turned into a difference and back.
 *
 * @param {string} file
 * @param {string} source
 * @returns {Mutation[]} In the order of the source.
 */
export function mutationsOf(file, source) {
  const code = withoutText(source)
  // What is only reported is no rule.
  const rules = code.replace(/\b(?:revert|emit)\b[^;]*;/g, blank)
  const found = [
    ...comparisons(rules),
    ...connectives(rules),
    ...sums(rules),
    ...reverts(code),
    ...calls(code),
    ...stores(code),
    ...guards(code),
  ]
  return found
    .sort((a, b) => a.start - b.start || a.end - b.end)
    .map((mutation) => ({ file, ...mutation, ...place(file, source, mutation) }))
}

/** The source with comments, strings, imports and declarations blanked out, everything else where it was. */
function withoutText(source) {
  return source
    .replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"/g, blank)
    .replace(/\b(?:import|pragma|using|event|error)\b[^;]*;/g, blank)
    .replace(/\b(?:struct|enum)\s+\w+\s*\{[^}]*\}/g, blank)
    .replace(/=>/g, '  ')
}

const blank = (text) => text.replace(/[^\n]/g, ' ')
const all = (code, pattern) => [...code.matchAll(pattern)]
const swap = (match, group, replacement, what) => {
  const start = match.index + match[0].indexOf(match[group])
  return { start, end: start + match[group].length, replacement, what }
}

/** An order that is asked of neighbours is put off by one; equality, and whether there is anything at all, flipped. */
const opposite = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '==': '!=', '!=': '==' }
const neighbour = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }

function comparisons(code) {
  return all(code, /(?<![<>=!+\-*/|&-])(<=|>=|==|!=|<|>)(?![<>=])/g).map((match) => {
    const withNothing = /^\s*0\b/.test(code.slice(match.index + match[1].length))
    return match[1] in neighbour && !withNothing
      ? swap(match, 1, neighbour[match[1]], 'off by one')
      : swap(match, 1, opposite[match[1]], 'flipped')
  })
}

function connectives(code) {
  return all(code, /(&&|\|\|)/g).map((match) => swap(match, 1, match[1] === '&&' ? '||' : '&&', 'flipped'))
}

function sums(code) {
  return all(code, /(?<=[\w)\]] )([+-])(?= [\w(])/g).map((match) =>
    swap(match, 1, match[1] === '+' ? '-' : '+', 'flipped'),
  )
}

/** `if (…) revert …;` and `if (…) { revert …; }`: the check is made and nothing follows from it. */
function reverts(code) {
  return all(code, /\brevert\b[^;]*;/g).map((match) => dropped(match.index, match.index + match[0].length))
}

/** Checks and moves of money that are functions of their own. */
function calls(code) {
  const pattern = /(?<=[;{})]\s*)(?:_check\w+|_close\w+|_set\w+|_release|_requestExit|_TOKEN\.\w+)\([^;]*;/g
  return all(code, pattern)
    .filter((match) => !/^\s*(?:private|internal|public|external)\b/.test(afterCall(match[0])))
    .map((match) => dropped(match.index, match.index + match[0].length))
}

const afterCall = (text) => text.slice(text.indexOf(')') + 1)

/** What is assigned, counted or deleted, declarations left out: an unset local is a fault of the compiler's. */
function stores(code) {
  const assigned = all(
    code,
    /(?<=[;{})]\s*)(?:delete\s+)?([\w.[\]]+(?:\([^()]*\))?[\w.[\]]*)\s*(?:[+-]?=(?!=)[^;]*)?;/g,
  )
  const counted = all(code, /(?<=[;{})]\s*)(?:\+\+|--)[\w.[\]]+;/g)
  return [...assigned.filter(({ 0: text }) => /=|^delete\b/.test(text)), ...counted]
    .filter(({ index, 0: text }) => !isDeclaration(code, index) && !/^_[A-Z_]+ =/.test(text))
    .map((match) => dropped(match.index, match.index + match[0].length))
}

/** Whether the statement stands outside of functions: a constant or a variable of the contract. */
function isDeclaration(code, index) {
  let depth = 0
  for (const char of code.slice(0, index)) {
    if (char === '{') depth++
    if (char === '}') depth--
  }
  return depth < 2
}

/** Modifiers that are checks. */
function guards(code) {
  return all(code, /\s(nonReentrant|onlySlasher)(?=\s)/g).map((match) => {
    const guarded = all(code.slice(0, match.index), /\bfunction (\w+)/g).at(-1)?.[1]
    return swap(match, 1, '', `dropped from ${guarded}`)
  })
}

const dropped = (start, end) => ({ start, end, replacement: '{}', what: 'dropped' })

function place(file, source, { start, end, replacement, what }) {
  const from = source.lastIndexOf('\n', start - 1) + 1
  const to = source.indexOf('\n', end)
  const line = source.slice(0, start).split('\n').length
  const flat = (text) => text.replace(/\s+/g, ' ').trim()
  const before = flat(source.slice(from, to))
  const after = flat(source.slice(from, start) + replacement + source.slice(end, to))
  return { line, name: `${file}: ${what}: ${before} → ${after}` }
}
