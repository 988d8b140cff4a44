import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wei } from '@pontage/shared'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockHome } from './lock.js'
import { isHeldHere, workIn } from './workingHome.js'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pontage-home-'))
})
afterEach(() => rmSync(home, { recursive: true }))

it('is one journal for all in this process, and nobody else’s until the last has given it back', async () => {
  expect(isHeldHere(home)).toBe(false)
  const [one, other] = await Promise.all([workIn(home), workIn(home)])
  expect(other.journal).toBe(one.journal)
  await one.release()
  expect(isHeldHere(home)).toBe(true)
  await expect(lockHome(home)).rejects.toThrow(/Another pontage is working/)
  await other.journal.record({ kind: 'spent', month: '2026-11', amount: wei(1n) })
  // Given back and taken again in the same breath.
  const [, again] = await Promise.all([other.release(), workIn(home)])
  expect(again.journal.trail().usage.spentIn('2026-11')).toBe(1n)
  await again.release()
  expect(isHeldHere(home)).toBe(false)
  await (await lockHome(home)).release()
})

it('is not held where another program has it', async () => {
  const lock = await lockHome(home)
  await expect(workIn(home)).rejects.toThrow(/Another pontage is working/)
  expect(isHeldHere(home)).toBe(false)
  await lock.release()
  await (await workIn(home)).release()
})
