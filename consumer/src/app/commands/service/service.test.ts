import { expect, it, vi } from 'vitest'
import type { Asked, ConnectionOptions } from '../connection.js'
import { createService } from './service.js'
import type { WarmContext } from './warmContext.js'

const kernel = vi.hoisted(() => ({ isShut: false, lifted: 0 }))
const held = vi.hoisted(() => ({ keepsLockdown: undefined as boolean | undefined }))
vi.mock('../../../io/kernel/lockdown.js', () => ({
  isLockedDown: () => kernel.isShut,
  liftLockdown: () => void kernel.lifted++,
}))
vi.mock('../connection.js', () => ({
  /** A connection that is up until it is asked to end. */
  holdConnection: (_: ConnectionOptions, holder: { keepsLockdown?: true } & Hold) =>
    new Promise<void>((resolve) => {
      held.keepsLockdown = holder.keepsLockdown
      const disconnect = async () => {
        resolve()
        return { result: 'ended' as const }
      }
      holder.onAsked({ disconnect } as Asked)
      holder.onScreen({ connected() {} }).connected({ provider: '0x1', interface: 'pontx', country: 'DE' })
    }),
}))

interface Hold {
  onAsked(asked: Asked): void
  onScreen(screen: object): { connected(tunnel: object): void }
}

it('a member who disconnects under lockdown lifts nothing that root has set, and hears so', async () => {
  const warm = { take: async () => ({}), drop: async () => {} } as unknown as WarmContext
  for (const isShut of [false, true]) {
    kernel.isShut = isShut
    const { handlers } = createService({} as ConnectionOptions, warm, () => {})
    await handlers.connect?.({ type: 'connect' })
    expect(held.keepsLockdown).toBe(true)
    const result = isShut ? 'shut' : 'ended'
    expect(await handlers.disconnect?.({ type: 'disconnect' })).toEqual({ result, goesOn: true })
  }
  expect(kernel.lifted).toBe(0)
})
