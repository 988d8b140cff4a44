import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { explain, refusalCodes } from './refusal.js'

const page = readFileSync(fileURLToPath(new URL('../../docs/errors.md', import.meta.url)), 'utf8')
const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.+) \| (.+) \|$/gm)]

it('documents every code once, with cause and cure, and none that is not there', () => {
  expect(rows.map(([, code]) => code).sort()).toEqual([...refusalCodes].sort())
})

it('says what was seen and what to do', () => {
  expect(explain({ code: 'below-accepted', amount: 40n, accepted: 60n })).toBe(
    'The promise is for 40 wei, but 60 wei is already accepted. Sign the new total, not the difference.',
  )
})
