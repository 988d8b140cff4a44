import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { tellWatchdog } from './watchdog.js'

let folder: string
let environment: NodeJS.ProcessEnv

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchdog-'))
  const recorder = `#!/bin/sh\necho "$*" >>'${folder}/told'\n`
  await writeFile(join(folder, 'systemd-notify'), recorder, { mode: 0o755 })
  environment = {
    PATH: `${folder}:${process.env.PATH}`,
    WATCHDOG_USEC: '300000',
    WATCHDOG_PID: String(process.pid),
  }
})
afterEach(() => rm(folder, { recursive: true }))

const told = async () =>
  (await readFile(join(folder, 'told'), 'utf8').catch(() => '')).split('\n').slice(0, -1)

it('is told at once, and again before the time is up', async () => {
  const stop = tellWatchdog(environment)
  await vi.waitFor(async () => expect((await told()).length).toBeGreaterThan(1), 5_000)
  stop()
  expect(new Set(await told())).toEqual(new Set(['WATCHDOG=1']))
})

it('is told nothing where no unit asks, or where it asks another process', async () => {
  tellWatchdog({ PATH: environment.PATH })()
  tellWatchdog({ ...environment, WATCHDOG_PID: '1' })()
  const stop = tellWatchdog(environment)
  await vi.waitFor(async () => expect(await told()).toHaveLength(1), 5_000)
  stop()
})
