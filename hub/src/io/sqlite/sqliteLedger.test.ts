import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, wei } from '@pontage/shared'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LedgerUnavailable } from '../ledger.js'
import { ledgerSuite } from '../ledger.suite.js'
import { clearEach, growing, noting, openTab, short, workThrough } from '../plans.fixture.js'
import type { Statement } from '../store/engine.js'
import { createLedger } from '../store/ledger.js'
import { lockHome, openDatabase } from './open.js'
import { sqliteEngine } from './sqliteEngine.js'
import { openSqliteLedger } from './sqliteLedger.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-ledger-'))
})
afterEach(() => rm(folder, { recursive: true }))

ledgerSuite('a ledger in an SQLite file', () => openSqliteLedger(join(folder, 'ledger.sqlite')))

it('writes through to the disk with every transaction', () => {
  const database = openDatabase(join(folder, 'any.sqlite'))
  expect(database.pragma('journal_mode', { simple: true })).toBe('wal')
  expect(database.pragma('synchronous', { simple: true })).toBe(2)
  database.close()
})

it('keeps amounts as 32 bytes, in the order of the numbers', async () => {
  const ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'))
  await ledger.close()
  const database = new Database(join(folder, 'ledger.sqlite'))
  const columns = database.prepare("SELECT type FROM pragma_table_info('tab') WHERE name = 'cleared'").get()
  expect(columns).toEqual({ type: 'BLOB' })
  database.close()
})

it('notices that it went back also where it could not be noted the first time', async () => {
  const path = join(folder, 'ledger.sqlite')
  await (await openSqliteLedger(path)).close()
  const engine = sqliteEngine(path)
  let isFull = false
  const commit = (writes: Parameters<typeof engine.commit>[0]) =>
    isFull ? Promise.reject(new LedgerUnavailable('The disk is full.')) : engine.commit(writes)
  const ledger = createLedger({ ...engine, commit }, 'The ledger')
  let setbacks = 0
  ledger.onSetback(() => setbacks++)
  const provider = address(`0x${'1'.repeat(40)}`)
  const raise = (total: bigint) => ledger.raiseTotal({ provider, total: wei(total) })
  await raise(5n)
  const database = new Database(path)
  database.prepare('UPDATE sums SET writes = writes - 1, version = version + 1').run()
  database.close()
  isFull = true
  for (let times = 0; times < 2; times++) await expect(raise(6n)).rejects.toThrow('The disk is full.')
  isFull = false
  await expect(raise(6n)).rejects.toThrow('The database went back')
  expect(await ledger.note('recovering')).toBe('"went-back"')
  expect(await raise(6n)).toBe(1n)
  expect(setbacks).toBe(1)
  await ledger.close()
})

it('reads no table to its end for a request or a block', async () => {
  const path = join(folder, 'ledger.sqlite')
  await (await openSqliteLedger(path)).close()
  const noted = new Set<Statement>()
  const ledger = createLedger(noting(sqliteEngine(path), noted), 'The ledger')
  await workThrough(ledger)
  await ledger.close()
  const database = new Database(path)
  const whole = [...noted].flatMap(({ sqlite, kinds }) =>
    (
      database.prepare(`EXPLAIN QUERY PLAN ${sqlite}`).all(kinds.map(() => null)) as { detail: string }[]
    ).flatMap(({ detail }) => {
      const [, table = '', index = ''] = /^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?/.exec(detail) ?? []
      // What a LIMIT chose first is gone through to its end.
      const isTable = growing.has(table) || (table === 'held' && !sqlite.includes('LIMIT ?'))
      return isTable && !short.has(index) ? [`${detail}: ${sqlite}`] : []
    }),
  )
  database.close()
  expect(noted.size).toBeGreaterThan(30)
  expect(whole).toEqual([])
})

it('lets one process at a time use a home folder', () => {
  const release = lockHome(folder)
  expect(() => lockHome(folder)).toThrow(/Another pontage-hub is running/)
  release()
  lockHome(folder)()
})

it('lets nobody but its owner read the ledger, nor what SQLite keeps beside it', async () => {
  const path = join(folder, 'ledger.sqlite')
  await writeFile(path, '', { mode: 0o644 })
  const ledger = await openSqliteLedger(path)
  await ledger.writeNote('leaving', 'x')
  const files = await readdir(folder)
  expect(files).toContain('ledger.sqlite-wal')
  for (const file of files)
    expect([file, (await stat(join(folder, file))).mode & 0o777]).toEqual([file, 0o600])
  await ledger.close()
})

it('rewrites no index of a tab that is cleared again', async () => {
  const path = join(folder, 'ledger.sqlite')
  await (await openSqliteLedger(path)).close()
  const noted = new Set<Statement>()
  const ledger = createLedger(noting(sqliteEngine(path), noted), 'The ledger')
  await openTab(ledger)
  await clearEach(ledger, [16n])
  noted.clear()
  // Of as many digits as the first.
  await clearEach(ledger, [20n, 30n])
  await ledger.close()
  const database = new Database(path)
  const deleted = [...noted]
    .filter(({ sqlite }) => sqlite.includes('INTO tab'))
    .map(({ sqlite, kinds }) => {
      const steps = database.prepare(`EXPLAIN ${sqlite}`).all(kinds.map(() => null)) as { opcode: string }[]
      return steps.filter(({ opcode }) => opcode === 'IdxDelete').length
    })
  database.close()
  expect(deleted).toEqual([0])
})
