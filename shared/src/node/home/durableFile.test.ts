import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeFileDurably } from './durableFile.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-durable-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('replaces a file, and leaves nothing else behind, whether it can or not', async () => {
  const path = join(folder, 'text')
  await writeFile(path, 'old')
  await writeFileDurably(path, 'new')
  expect(await readFile(path, 'utf8')).toBe('new')
  const taken = join(folder, 'taken')
  await mkdir(join(taken, 'full'), { recursive: true })
  await expect(writeFileDurably(taken, 'new')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
  expect(await readdir(folder)).toEqual(['taken', 'text'])
})
