import type { Address } from '@pontage/shared'
import { createLog, type Link } from '@pontage/shared/node'
import { expect, it } from 'vitest'
import { Carriers } from './carriers.js'
import type { LiveSession } from './liveSession.js'

const consumer = `0x${'cc'.repeat(20)}` as Address
const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length

it('opens one socket for a connection, however often that asks at once, and none for a session that ended', async () => {
  let live: LiveSession | undefined = { session: { consumer } } as LiveSession
  const carriers = new Carriers({ log: createLog('test', 'error') }, 51_820, () => live)
  let hangUp = () => {}
  const closed = new Promise<string>((resolve) => {
    hangUp = () => resolve('gone')
  })
  const link = { peer: consumer, closed, close: () => hangUp() } as unknown as Link
  const before = sockets()
  const answers = await Promise.all(Array.from({ length: 50 }, () => carriers.carry('s', link)))
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
  expect(sockets() - before).toBe(1)
  hangUp()
  await expect.poll(() => sockets() - before).toBe(0)
  const late = carriers.carry('s', { ...link })
  live = undefined
  expect((await late).ok).toBe(false)
  await expect.poll(() => sockets() - before).toBe(0)
})
