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

it('has a stand-by that holds what was answered, and takes over', async () => {
  const first = await startPostgres()
  const second = await startPostgres({}, first.folder)
  try {
    const url = await first.database()
    await first.waitForStandby()
    await ask(url, 'CREATE TABLE t AS SELECT 7 AS seven')
    await first.crash()
    await second.promote()
    const there = url.replace(encodeURIComponent(first.folder), encodeURIComponent(second.folder))
    expect(await ask(there, 'INSERT INTO t VALUES (8) RETURNING seven')).toEqual([{ seven: 8 }])
    expect(await ask(there, 'SELECT count(*)::int FROM t')).toEqual([{ count: 2 }])
  } finally {
    await Promise.all([first.stop(), second.stop()])
  }
})
