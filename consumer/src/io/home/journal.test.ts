import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, type Hex, wei } from '@pontage/shared'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../core/journalEntry.js'
import { openJournal, readJournal } from './journal.js'
import { lockHome } from './lock.js'

const channelId = `0x${'c1'.repeat(32)}` as Hex
const provider = address(`0x${'a1'.repeat(20)}`)
const total = (amount: bigint): JournalEntry => ({ kind: 'total', channelId, provider, amount: wei(amount) })

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-journal-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const path = () => join(home, 'journal.jsonl')

describe('the journal', () => {
  it('remembers totals after it was closed', async () => {
    const journal = await openJournal(home)
    await journal.record(total(10n))
    await journal.record(total(25n))
    await journal.close()
    expect((await readJournal(home)).total(channelId, provider)).toBe(25n)
  })

  it('refuses a lower total and stays usable', async () => {
    const journal = await openJournal(home)
    await journal.record(total(10n))
    await expect(journal.record(total(9n))).rejects.toThrow(RangeError)
    await journal.record(total(11n))
    await journal.close()
    expect((await readJournal(home)).total(channelId, provider)).toBe(11n)
  })

  it('drops a line that a crash cut short, wherever it was cut', async () => {
    const journal = await openJournal(home)
    await journal.record(total(10n))
    const whole = (await readFile(path())).length
    await journal.record(total(20n))
    await journal.close()
    const text = await readFile(path())
    for (let length = whole; length < text.length; length++) {
      await writeFile(path(), text.subarray(0, length))
      const again = await openJournal(home)
      expect(again.trail().total(channelId, provider)).toBe(10n)
      await again.record(total(15n))
      await again.close()
      expect((await readJournal(home)).total(channelId, provider)).toBe(15n)
    }
  })

  it('is rewritten while it grows, and loses nothing by it', async () => {
    const journal = await openJournal(home)
    const last = 12_000n
    for (let amount = 1n; amount <= last; amount++) await journal.record(total(amount))
    expect((await stat(path())).size).toBeLessThan(1_100_000)
    expect((await readJournal(home)).total(channelId, provider)).toBe(last)
    await journal.close()
    expect((await readJournal(home)).total(channelId, provider)).toBe(last)
  })

  it('does not read past damage in the middle', async () => {
    const journal = await openJournal(home)
    for (const amount of [10n, 20n, 30n]) await journal.record(total(amount))
    await journal.close()
    const text = await readFile(path(), 'utf8')
    await writeFile(path(), text.replace('"20"', '"21"'))
    await expect(openJournal(home)).rejects.toThrow(/Line 2 .* is damaged/)
  })

  it('keeps every total when it is compacted', async () => {
    const journal = await openJournal(home)
    await journal.record(total(1n))
    await journal.close()
    const line = await readFile(path(), 'utf8')
    await appendFile(path(), line.repeat(Math.ceil(1_000_001 / line.length)))
    const compacted = await openJournal(home)
    await compacted.record(total(2n))
    await compacted.close()
    expect((await readFile(path())).length).toBeLessThan(1_000)
    expect((await readJournal(home)).total(channelId, provider)).toBe(2n)
  })

  it.runIf(process.getuid?.() === 0)(
    'belongs to the owner of the home, also when root wrote it',
    async () => {
      await chown(home, 65_534, 65_534)
      const lock = await lockHome(home)
      const journal = await openJournal(home)
      await journal.record(total(1n))
      await journal.close()
      await lock.release()
      for (const name of ['journal.jsonl', 'lock']) expect((await stat(join(home, name))).uid).toBe(65_534)
    },
  )

  it('keeps one writer at a time, and frees the home of one that was killed', async () => {
    const lock = await lockHome(home)
    await expect(lockHome(home)).rejects.toThrow(/Another pontage/)
    await lock.release()
    const holder = spawn('sh', ['-c', 'exec 3>"$0"; flock 3; echo held; exec sleep 60', join(home, 'lock')])
    await once(holder.stdout, 'data')
    await expect(lockHome(home)).rejects.toThrow(/Another pontage/)
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await (await lockHome(home)).release()
  })
})
