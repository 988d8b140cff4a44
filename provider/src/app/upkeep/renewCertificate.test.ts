import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, ownCertificate, type Presented } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { renewCertificate } from './renewCertificate.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-renew-'))
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

it('presents what the files say by now, once both belong together', async () => {
  const files = { certificate: join(folder, 'fullchain.pem'), key: join(folder, 'privkey.pem') }
  const [first, second] = [await made('first'), await made('second')]
  await writeFile(files.certificate, first.certificate)
  await writeFile(files.key, first.key)
  const shown: Presented[] = []
  const log = createLog('test', 'error')
  const renewing = renewCertificate({ log }, files, first, [{ renew: (each) => shown.push(each) }])
  await looks(renewing)
  expect(shown).toEqual([])
  await writeFile(files.certificate, second.certificate)
  await looks(renewing)
  expect(shown).toEqual([])
  await writeFile(files.key, second.key)
  await looks(renewing)
  expect(shown).toEqual([{ tls: { certificate: second.certificate, key: second.key } }])
  await renewing.close()
})

const made = async (name: string) => {
  const home = await mkdtemp(join(folder, name))
  return ownCertificate(home)
}

/** Lets it look once, and waits until it has. */
async function looks(renewing: { idle(): Promise<void> }): Promise<void> {
  vi.advanceTimersByTime(5_000)
  await renewing.idle()
}
