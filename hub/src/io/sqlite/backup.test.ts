import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { address } from '@pontage/shared'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { backUp } from './backup.js'
import { openSqliteLedger } from './sqliteLedger.js'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-backup-'))
  path = join(folder, 'ledger.sqlite')
})
afterEach(() => rm(folder, { recursive: true }))

/** Writes pairs of rows into the ledger as fast as it can, each pair in one transaction. */
const writer = `
  const { workerData, parentPort } = require('node:worker_threads')
  const Database = require(workerData.driver)
  const database = new Database(workerData.path, { timeout: 5000 })
  const insert = database.prepare('INSERT INTO blocked (identity, since) VALUES (?, ?)')
  const pair = database.transaction((n) => {
    for (const half of [0, 1]) {
      const identity = Buffer.alloc(20)
      identity.writeUInt32BE(2 * n + half, 16)
      insert.run(identity, n)
    }
  })
  let n = 0
  let due = true
  parentPort.once('message', () => {
    due = false
    database.close()
  })
  const write = () => {
    if (!due) return
    for (let i = 0; i < 50; i++) pair(++n)
    if (n === 50) parentPort.postMessage('begun')
    setImmediate(write)
  }
  write()
`

it('copies one moment of a ledger that is being written to', async () => {
  await (await openSqliteLedger(path)).close()
  const driver = createRequire(import.meta.url).resolve('better-sqlite3')
  const worker = new Worker(writer, { eval: true, workerData: { path, driver } })
  try {
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    const made = await backUp(path, join(folder, 'copy.sqlite'))
    expect(made.bytes).toBe((await stat(made.file)).size)
    expect((await stat(made.file)).mode & 0o777).toBe(0o600)
    const copy = await openSqliteLedger(made.file)
    const blocked = await copy.blocked()
    await copy.close()
    // Each transaction is in it whole, and none is missing before the last.
    expect(blocked.length).toBeGreaterThanOrEqual(100)
    expect(blocked.length % 2).toBe(0)
    expect(blocked.map(({ since }) => since)).toEqual(
      Array.from(blocked, (_each, index) => Math.floor(index / 2) + 1),
    )
  } finally {
    worker.postMessage('end')
    await once(worker, 'exit')
  }
})

it('opens as the ledger it was', async () => {
  const identity = address(`0x${'0c'.repeat(20)}`)
  const ledger = await openSqliteLedger(path)
  await ledger.block({ identity, since: 7 })
  await backUp(path, join(folder, 'copy.sqlite'))
  await ledger.unblock(identity)
  await ledger.close()
  const copy = await openSqliteLedger(join(folder, 'copy.sqlite'))
  expect(await copy.blocked()).toEqual([{ identity, since: 7 }])
  expect(await copy.problem()).toBe(undefined)
  await copy.close()
})

it('replaces nothing, and leaves nothing behind when it fails', async () => {
  await (await openSqliteLedger(path)).close()
  const taken = join(folder, 'taken')
  await writeFile(taken, 'precious')
  await expect(backUp(path, taken)).rejects.toThrow(/already exists/)
  await expect(backUp(path, join(folder, 'no', 'such', 'folder'))).rejects.toThrow(/cannot be written/)
  expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([])
})
