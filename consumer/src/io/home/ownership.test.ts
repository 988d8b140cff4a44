import { constants, existsSync } from 'node:fs'
import { chown, link, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFileDurably } from '@pontage/shared/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { giveToOwner, openInHome, recordFolder } from './ownership.js'

const nobody = 65_534
let folder = ''
let home = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-home-'))
  home = join(folder, 'home')
  await mkdir(home)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const { O_WRONLY, O_CREAT } = constants
const roots = () => join(folder, 'of-root')

describe.runIf(process.getuid?.() === 0)('root in the home of another user', () => {
  beforeEach(async () => {
    await chown(home, nobody, nobody)
    await writeFile(roots(), 'precious')
  })

  it('follows no link, symbolic or hard, out of it', async () => {
    await symlink(roots(), join(home, 'connect.log'))
    await link(roots(), join(home, 'lock'))
    for (const name of ['connect.log', 'lock'])
      await expect(openInHome(home, name, O_WRONLY | O_CREAT)).rejects.toThrow(/is a link, or no file/)
    expect((await stat(roots())).uid).toBe(0)
  })

  it('gives no file away that a link leads to', async () => {
    await symlink(roots(), join(home, 'soft'))
    await link(roots(), join(home, 'hard'))
    await expect(giveToOwner(home, join(home, 'soft'))).rejects.toThrow('ELOOP')
    await giveToOwner(home, join(home, 'hard'))
    expect((await stat(roots())).uid).toBe(0)
    const file = await openInHome(home, 'own', O_WRONLY | O_CREAT)
    await giveToOwner(home, file)
    await file.close()
    expect((await stat(join(home, 'own'))).uid).toBe(nobody)
  })

  it('replaces a file through no draft that somebody laid ready', async () => {
    const path = join(home, 'journal.jsonl')
    await symlink(roots(), `${path}.${process.pid}.new`)
    await writeFileDurably(path, 'new')
    expect(await readFile(roots(), 'utf8')).toBe('precious')
    expect((await lstat(path)).isFile()).toBe(true)
  })

  it('keeps what it acts upon later in a folder of its own', async () => {
    const found = await recordFolder(home, join(folder, 'state'))
    expect(found.startsWith(join(folder, 'state'))).toBe(true)
    expect(existsSync(found)).toBe(false)
    await chown(home, 0, 0)
    expect(await recordFolder(home, join(folder, 'state'))).toBe(home)
  })
})
