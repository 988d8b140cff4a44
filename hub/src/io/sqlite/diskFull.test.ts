import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const built = new URL('../../../dist/index.js', import.meta.url)

/** Writes to a ledger until its disk is full, makes room, and writes again. */
const script = `
  const { openSqliteLedger } = await import(${JSON.stringify(built.href)})
  const { rmSync, writeFileSync } = await import('node:fs')
  const folder = process.argv[1]
  const ledger = await openSqliteLedger(folder + '/ledger.sqlite')
  writeFileSync(folder + '/ballast', Buffer.alloc(300_000))
  const identity = (n) => '0x' + n.toString(16).padStart(40, '0')
  let answered = 0
  let refused
  while (refused === undefined && answered < 100_000)
    await ledger.block({ identity: identity(answered + 1), since: 1 }).then(() => answered++, (error) => { refused = error.name })
  const again = await ledger.block({ identity: identity(answered + 1), since: 1 }).then(() => 'written', (error) => error.name)
  const unwritable = await ledger.writable()
  const kept = (await ledger.blocked()).length
  rmSync(folder + '/ballast')
  await ledger.block({ identity: identity(answered + 1), since: 1 })
  const afterwards = (await ledger.blocked()).length
  const problem = await ledger.problem()
  await ledger.close()
  console.log(JSON.stringify({ answered, refused, again, unwritable: typeof unwritable, kept, afterwards, problem: problem ?? null }))
`

it('answers nothing that a full disk did not take, and goes on when there is room', async () => {
  expect(existsSync(fileURLToPath(built)), 'The hub is not built: run npm run build.').toBe(true)
  const folder = await mkdtemp(join(tmpdir(), 'pontage-full-'))
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  try {
    const { stdout } = await promisify(execFile)('unshare', [
      ...[...user, '--mount', 'sh', '-c'],
      'mount -t tmpfs -o size=1500k tmpfs "$1" && exec "$2" --input-type=module -e "$3" "$1"',
      ...['sh', folder, process.execPath, script],
    ])
    const seen = JSON.parse(stdout)
    expect(seen.answered).toBeGreaterThan(0)
    expect(seen).toEqual({
      answered: seen.answered,
      refused: 'LedgerUnavailable',
      again: 'LedgerUnavailable',
      unwritable: 'string',
      kept: seen.answered,
      afterwards: seen.answered + 1,
      problem: null,
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
