import { qrCode } from '@pontage/shared/node'
import { expect, it } from 'vitest'
import { squares } from './squares.js'

it('draws each dark square of a code once, and none of the light edge', () => {
  const code = qrCode('https://example.org')
  const { path, size } = squares(code)
  const dark = [...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`)
  expect(new Set(dark).size).toBe(dark.length)
  // A border of one, and the corner of the first of the three finders: seven dark squares.
  expect(dark).not.toContain('0 0')
  for (let at = 1; at <= 7; at++) expect(dark).toContain(`${at} 1`)
  expect(dark).not.toContain(`${size - 1} ${size - 1}`)
})
