import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listenControl } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { askService } from './askService.js'

let folder = ''
let control = ''
let asked = 0
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-ask-'))
  control = join(folder, 'control.sock')
  asked = 0
})
afterEach(() => rm(folder, { recursive: true }))

const ask = (isStarted: () => Promise<boolean>, patienceMs = 10_000) =>
  askService(
    control,
    { type: 'connect' },
    10_000,
    () => {
      asked += 1
      return isStarted()
    },
    patienceMs,
  )

it('says at once that no service runs', async () => {
  await expect(ask(async () => false)).rejects.toThrow(/The service does not run/)
  expect(asked).toBe(1)
})

it('does not say of one that was started and never listens that it does not run', async () => {
  await expect(ask(async () => true, 300)).rejects.toThrow(/was started, but does not listen yet/)
  expect(asked).toBeGreaterThan(1)
})

it('waits for one that was just started', async () => {
  const answer = { provider: '0x1', interface: 'pontx', country: 'DE' }
  const listening: { close(): Promise<void> }[] = []
  const connected = await ask(async () => {
    if (asked === 3) listening.push(await listenControl({ path: control }, { connect: async () => answer }))
    return true
  })
  expect(connected).toEqual(answer)
  for (const each of listening) await each.close()
})
