import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKeystore, openKeystore } from './keystore.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-keystore-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('keeps an imported key under its password, for the owner only', async () => {
  const path = join(folder, 'imported.json')
  const made = await createKeystore(path, 'correct horse', `0x${'ab'.repeat(32)}`)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readFile(path, 'utf8')).not.toContain('abababab')
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ version: 3 })
  const opened = await openKeystore(path, 'correct horse')
  expect(opened.address).toBe(made.address)
  expect(opened.privateKey.hex()).toBe(`0x${'ab'.repeat(32)}`)
  await expect(openKeystore(path, 'wrong')).rejects.toThrow('The password does not open the keystore')
  await expect(createKeystore(path, 'another')).rejects.toThrow('There is already a keystore at')
})

it('says what to do when there is no keystore, or it is something else', async () => {
  await expect(openKeystore(join(folder, 'none.json'), 'x')).rejects.toThrow('Run setup or init first')
  await writeFile(join(folder, 'other.json'), '{}')
  await expect(openKeystore(join(folder, 'other.json'), 'x')).rejects.toThrow('not a version 3 keystore')
})
