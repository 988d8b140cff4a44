import { mkdtempSync, rmSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Loaded into a program before it starts (NODE_OPTIONS=--import=…): kills it, as `kill -9` does, once its Nth record is
// on the disk and before whatever was to follow it. Records are totals in the journal and the connection's file.

let left = Number(process.env.PONTAGE_CRASH_AFTER)

const recorded = (): void => {
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}

const { rename } = promises
promises.rename = async (from, to) => {
  await rename(from, to)
  if (String(to).endsWith('/connection.json')) recorded()
}

const folder = mkdtempSync(join(tmpdir(), 'pontage-crash-'))
const file = await promises.open(join(folder, 'probe'), 'w')
const handle = Object.getPrototypeOf(file) as { write: (...given: unknown[]) => Promise<unknown> }
await file.close()
rmSync(folder, { recursive: true })
const { write } = handle
handle.write = async function (this: unknown, ...given) {
  const result = await write.apply(this, given)
  if (given[0] instanceof Buffer && given[0].includes('"kind":"total"')) recorded()
  return result
}

syncBuiltinESMExports()
