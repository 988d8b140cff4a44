import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startService } from './service.js'

it('gives a service its password in a file that nobody else has open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pontage-service-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'password')
  await writeFile(path, 'old\n', { mode: 0o644 })
  // Another user who could read the old one keeps it open.
  const watcher = await open(path)
  const service = {
    ...{ unit: 'pontage-of-no-machine', home: folder },
    password: { path, encrypted: false },
  }
  // There is no such unit, and maybe no systemd: the password is kept before that is asked.
  await expect(startService(service, 'correct horse')).rejects.toThrow()
  expect(await readFile(path, 'utf8')).toBe('correct horse\n')
  expect((await stat(path)).mode & 0o077).toBe(0)
  expect(await watcher.readFile('utf8')).toBe('old\n')
  await watcher.close()
})
