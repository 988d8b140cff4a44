import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { forgetLending, keepLending, newLending, readLendings } from './lendings.js'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-lendings-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const lending = (name: string) =>
  newLending(
    {
      name,
      limits: { budget: ['1/day'], cap: [], maxPrice: [] },
      provider: undefined,
      country: undefined,
    },
    0,
  )

it('keeps all of those that are kept at once, and none that is forgotten meanwhile', async () => {
  await keepLending(home, lending('lost'))
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const [isForgotten] = await Promise.all([
    forgetLending(home, 'lost'),
    ...names.map((name) => keepLending(home, lending(name))),
  ])
  expect(isForgotten).toBe(true)
  const kept = await readLendings(home)
  expect(kept.map(({ name }) => name).sort()).toEqual(names)
  expect(await readdir(home)).toEqual(['lendings.json'])
})
