import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, unixSeconds } from '@pontage/shared'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Journal, openJournal } from '../../io/home/journal.js'
import type { Reading } from '../../io/kernel/meter.js'
import type { Context } from '../context.js'
import { leftNow } from './limits.js'
import { endNeverPaid } from './neverPaid.js'

const warned: string[] = []
const context = {
  calendar: { now: () => unixSeconds(1_790_000_000) },
  log: { debug: () => undefined, warn: (message: string) => warned.push(message) },
} as unknown as Context
let home: string
let journal: Journal

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'pontage-never-paid-'))
  journal = await openJournal(home)
})

afterEach(async () => {
  await journal.close()
  rmSync(home, { recursive: true })
})

/** A tunnel through which something passes until it is halted. */
function tunnel() {
  let passed = 700_000n
  return {
    halt: async () => {
      passed += 300_000n
    },
    read: async () => ({ downBytes: bytes(passed), upBytes: bytes(1_000n) }) as Reading,
  }
}

it('counts what passed before payment began against the cap of the month, up to its very end', async () => {
  expect(await endNeverPaid(context, journal, 'own name', tunnel())).toBe(1_001_000n)
  const limits = {
    maxPrice: {},
    caps: [{ amount: bytes(5_000_000n), period: 'month' as const }],
    budgets: [],
  }
  const { cap } = leftNow(context, journal, limits, { bytes: bytes(0n), spent: 0n as never })
  expect(cap).toBe(3_999_000n)
})

it('counts what passed where it cannot be ended', async () => {
  const endless = { ...tunnel(), halt: async () => Promise.reject(new Error('No such table.')) }
  expect(await endNeverPaid(context, journal, 'own name', endless)).toBe(701_000n)
  expect(warned.splice(0)).toEqual(['an unpaid tunnel could not be ended at once'])
})

it('says that it is not known where nothing can be read', async () => {
  const gone = { ...tunnel(), read: async () => Promise.reject(new Error('No such table.')) }
  expect(await endNeverPaid(context, journal, 'own name', gone)).toBe(0n)
  expect(warned.splice(0)).toEqual(['what passed an unpaid tunnel is not known'])
})
