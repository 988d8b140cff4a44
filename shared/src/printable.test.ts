import fc from 'fast-check'
import { expect, it } from 'vitest'
import { printable } from './printable.js'

it('leaves ordinary text as it is, in any script', () => {
  for (const text of ['DE', 'wss://vpn.example:7710', 'Zürich, 東京 und Ελλάδα', 'naïve 🚀'])
    expect(printable(text)).toBe(text)
})

it.each([
  ['an escape sequence that goes up and rewrites a row', 'DE\u001b[2A\u001b[2K', 'DE[2A[2K'],
  ['the one-byte form of the same', 'DE\u009b2A', 'DE2A'],
  ['a bell, a backspace and a delete', 'D\u0007E\b\u007f', 'DE'],
  ['a line end that would begin a forged row', 'DE\r\n0xabc  FR  1 PTT/GB', 'DE 0xabc  FR  1 PTT/GB'],
  ['a line separator', 'DE\u2028FR', 'DE FR'],
  ['marks that turn the direction of the line', '\u202eEDOC\u2066x\u200f', 'EDOCx'],
  ['characters without width', 'D\u200bE\ufeff', 'DE'],
  ['half of a surrogate pair', 'DE\ud800', 'DE'],
])('strips %s', (_what, written, shown) => {
  expect(printable(written)).toBe(shown)
})

it('never prints a control character, whatever was written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (written) => {
      const shown = printable(written)
      expect(shown).not.toMatch(/[\p{C}\u2028\u2029]/u)
      expect([...shown].length).toBeLessThanOrEqual(512)
      expect(printable(shown)).toBe(shown)
    }),
    { numRuns: 30 },
  )
})

it('cuts what is too long to be read, and shows that it did', () => {
  expect(printable('x'.repeat(600))).toBe(`${'x'.repeat(511)}…`)
})
