import { address, type Hex } from '@pontage/shared'
import { expect, it } from 'vitest'
import type { ConnectionEvent } from '../../core/connectionState.js'
import { type Connection, PathRefused } from './connection.js'
import type { Path } from './findPaths.js'
import { openSession } from './openSession.js'

it('goes on to the next provider whatever goes wrong with this one', async () => {
  const provider = address(`0x${'a1'.repeat(20)}`)
  const moves: ConnectionEvent['type'][] = []
  const connection = {
    ended: [],
    neverPaid: 0n,
    wishes: { limits: {} },
    context: { calendar: { now: () => 1 } },
    journal: {
      trail() {
        throw new TypeError('"fd00::::1" is not an IP address.')
      },
    },
    move: async ({ type }: ConnectionEvent) => void moves.push(type),
  } as unknown as Connection
  const path = {
    offer: { proposal: { provider, certificate: `0x${'08'.repeat(32)}` as Hex } },
    channel: { channelId: `0x${'c1'.repeat(32)}` as Hex },
    endpoint: { address: '203.0.113.1', tcpPort: 7_800, url: 'wss://203.0.113.1:7800' },
  } as unknown as Path
  const failed = await openSession(connection, path, false).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(PathRefused)
  expect(failed).toMatchObject({ provider, message: '"fd00::::1" is not an IP address.' })
  expect(moves).toEqual(['asked', 'refused'])
})
