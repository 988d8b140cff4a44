import { existsSync } from 'node:fs'
import pg from 'pg'
import { expect, it } from 'vitest'
import { startPostgres } from './postgres.fixture.js'

const ask = async (url: string, statement: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

it('keeps its data over a crash, and leaves nothing when it is stopped', async () => {
  const server = await startPostgres()
  try {
    const url = await server.database()
    await ask(url, 'CREATE TABLE t AS SELECT 7 AS seven')
    await server.crash()
    await expect(ask(url, 'SELECT 1')).rejects.toThrow()
    await server.restart()
    expect(await ask(url, 'SELECT seven FROM t')).toEqual([{ seven: 7 }])
  } finally {
    await server.stop()
  }
  expect(existsSync(server.folder)).toBe(false)
})
