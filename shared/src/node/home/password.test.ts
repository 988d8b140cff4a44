import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readPassword } from './password.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-password-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = async (content: string | Buffer, mode = 0o600): Promise<string> => {
  const path = join(folder, 'password')
  await rm(path, { force: true })
  await writeFile(path, content, { mode })
  return path
}

it.each([
  ['as it is', 'correct horse'],
  ['with a line end', 'correct horse\n'],
  ['with a line end of Windows', 'correct horse\r\n'],
])('reads a password %s', async (_name, content) => {
  expect(await readPassword(await file(content), '')).toBe('correct horse')
})

it.each([
  ['an empty file', '', 'is empty'],
  ['a file with nothing but a line end', '\r\n', 'is empty'],
  ['several lines', 'correct\nhorse\n', 'has several lines'],
  ['a byte order mark', '\uFEFFcorrect horse', 'begins with a byte order mark'],
  ['UTF-16', Buffer.from('\uFEFFcorrect horse', 'utf16le'), 'is not text in UTF-8'],
])('refuses %s with a sentence that names the file', async (_name, content, words) => {
  const path = await file(content)
  await expect(readPassword(path, '')).rejects.toThrow(`The password file ${path} ${words}`)
})

it('names a file that is not there', async () => {
  const path = join(folder, 'none')
  await expect(readPassword(path, '')).rejects.toThrow(`The password cannot be read from ${path}`)
})

it('says that others can read it, and goes on: containers mount secrets so', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const path = await file('correct horse\n', 0o644)
  expect(await readPassword(path, '')).toBe('correct horse')
  expect(said.mock.calls).toEqual([
    [`Other users can access the password file ${path}. Run: chmod 600 ${path}\n`],
  ])
  said.mockRestore()
})
