import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { startPostgres, type TestPostgres } from '../../postgres.fixture.js'
import { ledgerSuite } from '../ledger.suite.js'
import { openPostgresLedger, withoutPassword } from './postgresLedger.js'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let server: TestPostgres
let url: string
beforeAll(async () => {
  server = await startPostgres()
  url = await server.database()
})
afterAll(() => server?.stop())
beforeEach(() => empty(url))

async function empty(database: string): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  await client.end()
}

ledgerSuite('a ledger in a PostgreSQL database', () => openPostgresLedger(url))

it('shows no password', () => {
  expect(withoutPassword('postgres://me:secret@db.example.org/ledger')).toBe(
    'postgres://me@db.example.org/ledger',
  )
  expect(withoutPassword('postgres://me@/ledger?host=/run')).toBe('postgres://me@/ledger?host=/run')
})
