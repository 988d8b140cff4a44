import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, UserError } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { askRunning, listenControl } from './controlSocket.js'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-control-'))
})
afterEach(() => rm(home, { recursive: true }))

const listen = () =>
  listenControl(
    home,
    {
      double: async ({ value }) => 2 * Number(value),
      refuse: async () => {
        throw new UserError('Not today.')
      },
    },
    createLog('test', 'error'),
  )

it('answers the owner, and says in a sentence what it refuses', async () => {
  const control = await listen()
  try {
    expect(await askRunning(home, { type: 'double', value: 21 })).toBe(42)
    await expect(askRunning(home, { type: 'refuse' })).rejects.toThrow(/^Not today\.$/)
    await expect(askRunning(home, { type: 'dance' })).rejects.toThrow(/does not know "dance"/)
  } finally {
    await control.close()
  }
})

it('is told that nobody is there, before it began and after it ended', async () => {
  const nobody = /No pontage-provider answers on .*Is it running/
  await expect(askRunning(home, { type: 'double' })).rejects.toThrow(nobody)
  await (await listen()).close()
  await expect(askRunning(home, { type: 'double' })).rejects.toThrow(nobody)
})
