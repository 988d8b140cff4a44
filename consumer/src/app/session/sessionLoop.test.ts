import { bytes, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { expect, it } from 'vitest'
import { begin } from '../../core/session.js'
import { createSessionLoop } from './sessionLoop.js'

const session = begin(
  {
    ...{ price: { perMegabyte: weiPerMegabyte(20n), perHour: weiPerHour(0n) }, base: wei(0n) },
    ...{ credit: bytes(500_000n), raiseBelow: wei(0n), ceiling: wei(1_000n), ceilingIs: 'ceiling' },
    ...{ limit: undefined, limitedBy: 'ceiling' },
  },
  0,
)

it('is over for whoever watches it once something that it decided could not be done', async () => {
  const loop = createSessionLoop(session, async () => {
    throw new Error('The journal cannot be written.')
  })
  expect(loop.isOpen).toBe(true)
  const count = { downBytes: bytes(1n), upBytes: bytes(0n), downPackets: 1n, upPackets: 0n }
  loop.post({ type: 'counted', count, atMs: 1, limitReached: false })
  await expect(loop.over).rejects.toThrow('The journal cannot be written.')
  expect(loop.isOpen).toBe(false)
})
