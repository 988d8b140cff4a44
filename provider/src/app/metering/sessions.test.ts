import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  bytes,
  channelIdOf,
  type Hex,
  unixSeconds,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import { generateWireguardKeys, type Link } from '@pontage/shared/node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { noReading, type Reading } from '../../core/meter.js'
import type { Admitted, FirewallChange } from '../../io/kernel/firewall.js'
import { PromiseStore } from '../../io/store/promiseStore.js'
import { SessionStore } from '../../io/store/sessionStore.js'
import { type Db, openDatabase } from '../../io/store/storeSchema.js'
import type { Components } from '../components.js'
import { Sessions } from './sessions.js'

const hub = `0x${'bb'.repeat(20)}` as Address
const consumer = `0x${'cc'.repeat(20)}` as Address
const channel = { consumer, hub, nonce: 1 }
const channelId = channelIdOf({ chainId: 1 }, channel)
const price = { perMegabyte: weiPerMegabyte(20_000_000_000_000n), perHour: weiPerHour(0n) }
const credit = bytes(2_000_000n)
const paidMegabytes = 100n

/** What the kernel has counted, and what it let pass at most, by keys. */
const counted = new Map<number, Reading>()
const limits = new Map<number, bigint>()
/** Of whom the kernel was asked for the last time. */
let asked: (readonly number[])[] = []
let isWhole = true
let rebuilds = 0
const silent = () => {}

let home: string
let db: Db
let sessions: Sessions
let hangUp = () => {}
const theOne = () => {
  const [live] = sessions.all()
  if (live === undefined) throw new Error('there is no session')
  return live
}
const count = (downBytes: bigint) =>
  counted.set(theOne().record.key, { ...noReading, downBytes: bytes(downBytes) })
const usedAfterARound = (downBytes: bigint) =>
  expect.poll(() => theOne().session.reading.downBytes, { timeout: 2_000 }).toBe(downBytes)

beforeEach(async () => {
  counted.clear()
  limits.clear()
  asked = []
  isWhole = true
  home = mkdtempSync(join(tmpdir(), 'pontage-sessions-'))
  db = openDatabase(home)
  const promises = new PromiseStore(db)
  promises.keepChannel(channelId, channel)
  const components = {
    clock: { now: () => unixSeconds(1_000), elapsedMs: () => performance.now() },
    log: { error: silent, warn: silent, info: silent, debug: silent },
    sessions: new SessionStore(db),
  } as unknown as Components
  const firewall = {
    ...{ close: silent, isWhole: async () => isWhole, follow: () => true, dismiss: async () => {} },
    admit: async (key: number, _addresses: unknown, limit: bigint) => void limits.set(key, limit),
    read: async (last: readonly number[] = []) => {
      asked.push(last)
      return new Map(counted)
    },
    async apply(changes: readonly FirewallChange[]) {
      for (const change of changes) if (change.type === 'limit') limits.set(change.key, change.bytes)
    },
    async rebuild(all: readonly Admitted[]) {
      rebuilds += 1
      counted.clear()
      limits.clear()
      for (const { key, limit } of all) limits.set(key, limit)
    },
  }
  const machine = { bootId: 'boot', addPeer: async () => {}, removePeer: async () => {} }
  sessions = new Sessions(components, machine as never, firewall as never, {
    ...{ ended: silent, left: silent },
    failed: (error) => {
      throw error
    },
  })
  const closed = new Promise<void>((resolve) => {
    hangUp = resolve
  })
  const link = { peer: consumer, closed, notify: silent } as unknown as Link
  const id = `0x${'11'.repeat(32)}` as Hex
  const begun = { id, consumer, channelId, base: wei(0n) }
  await sessions.open(
    {
      ...{ ...begun, price, graceSeconds: 30, ceiling: wei(10n ** 18n), lent: undefined },
      credit: { atFirst: credit, atMost: credit, perSecond: bytes(1_000_000n) },
    },
    { ...begun, hub, startedAt: unixSeconds(1_000) },
    {
      addresses: { address4: '10.86.0.2', address6: 'fd50::2' },
      ...{ wireguardKey: generateWireguardKeys().publicKey, presharedKey: generateWireguardKeys().publicKey },
      paymentPort: 4_711,
    },
    link,
  )
  sessions.promised(channelId, wei(paidMegabytes * price.perMegabyte))
  count(100_000_000n)
  await usedAfterARound(100_000_000n)
})
afterEach(async () => {
  hangUp()
  await sessions.stop()
  db.close()
  rmSync(home, { recursive: true })
})

it.each([
  ['fewer', () => void count(1_000_000n)],
  ['none', () => counted.clear()],
])('takes what was counted for used where somebody set counters back: %s', async (_what, setBack) => {
  const before = theOne().record.key
  setBack()
  // Rules are written anew, and allow no more than what is left.
  await expect.poll(() => theOne().record.key, { timeout: 2_000 }).not.toBe(before)
  expect(limits).toEqual(new Map([[theOne().record.key, credit]]))
  count(500_000n)
  await usedAfterARound(100_500_000n)
})

it('asks for the last time by name, before rules are written anew and when a session ends', async () => {
  const { id, key } = theOne().record
  asked = []
  await sessions.keepRules({} as never)
  expect(asked).toContainEqual([key])
  asked = []
  await sessions.end(id, { code: 'requested' })
  expect(asked).toContainEqual([key + 1])
})

it('writes no rules for those that are left when all end: where nft hangs, each would wait for it', async () => {
  isWhole = false
  rebuilds = 0
  await sessions.stop()
  expect(sessions.all()).toEqual([])
  expect(rebuilds).toBe(0)
})
