import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, bytes, type Hex, unixSeconds, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PromiseStore } from './promiseStore.js'
import { SessionStore } from './sessionStore.js'
import { type Db, openDatabase } from './storeSchema.js'

const hub = `0x${'bb'.repeat(20)}` as Address
const consumer = `0x${'cc'.repeat(20)}` as Address
const channelId: Hex = `0x${'11'.repeat(32)}`
const record = {
  ...{ id: 's', key: 1, channelId, consumer, hub },
  ...{ startedAt: unixSeconds(1_000), base: wei(40n) },
}
const tunnel = {
  ...{ bootId: 'boot', paymentPort: 4_711, wireguardKey: 'key', presharedKey: 'secret' },
  addresses: { address4: '10.86.0.2', address6: 'fd50::2' },
  price: { perMegabyte: weiPerMegabyte(2n ** 70n), perHour: weiPerHour(3n) },
  credit: { atFirst: bytes(2_000_000n), atMost: bytes(4_000_000n), perSecond: bytes(20_000_000n) },
  graceSeconds: 30,
}
const figures = { downBytes: 7_000_000n, upBytes: 1_000n, promises: 8, promised: wei(360n) }

let home: string
let db: Db
let store: SessionStore

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pontage-store-'))
  db = openDatabase(home)
  new PromiseStore(db).keepChannel(channelId, { consumer, hub, nonce: 7 })
  store = new SessionStore(db)
  store.begin(record, tunnel)
})
afterEach(() => {
  db.close()
  rmSync(home, { recursive: true })
})

describe('a session in the store', () => {
  it('survives with all that raises its tunnel again', () => {
    store.note('s', figures, { forwardedMs: 1_234.5, gap: bytes(99n) })
    db.close()
    db = openDatabase(home)
    const found = new SessionStore(db).interrupted('s')
    expect(found).toMatchObject({ tunnel, promises: 8, progress: { forwardedMs: 1_234, gap: 99n } })
    expect(found?.isRaised).toBe(true)
  })

  it.each([{ limit: bytes(3_000_000n) }, { limit: undefined }])(
    'knows that it is lent, and how far: %s',
    (lent) => {
      store.begin({ ...record, id: 'lent', key: 2 }, { ...tunnel, lent })
      expect(store.interrupted('lent')?.tunnel.lent).toEqual(lent)
      expect(store.interrupted('s')?.tunnel).not.toHaveProperty('lent')
    },
  )

  it('takes its counts over under a new key, so that the old ones are never added again', () => {
    store.carry('s', { downBytes: bytes(5n), upBytes: bytes(6n), downPackets: 7n, upPackets: 8n })
    const found = store.interrupted('s')
    expect(found).toMatchObject({
      record: { key: 2 },
      carried: { downBytes: 5n, upBytes: 6n, downPackets: 7n, upPackets: 8n },
      isRaised: false,
    })
    store.raised('s')
    expect(store.interrupted('s')?.isRaised).toBe(true)
  })

  it('is kept when it was paid for, and for a week when nothing was promised in it', () => {
    const nothing = { ...figures, promised: record.base, owed: wei(70n) }
    const ids = () => [...store.earned()].map(({ id }) => id)
    store.end('s', { ...figures, owed: wei(360n) }, 'left', unixSeconds(2_000))
    store.begin({ ...record, id: 'unpaid', key: 2 }, tunnel)
    store.end('unpaid', nothing, 'left', unixSeconds(2_000))
    store.begin({ ...record, id: 'next', key: 3 }, tunnel)
    store.end('next', nothing, 'left', unixSeconds(2_000 + 7 * 86_400))
    expect(ids().sort()).toEqual(['next', 's', 'unpaid'])
    store.begin({ ...record, id: 'last', key: 4 }, tunnel)
    store.end('last', nothing, 'left', unixSeconds(2_001 + 7 * 86_400))
    expect(ids().sort()).toEqual(['last', 'next', 's'])
    // What they left unpaid is not forgotten.
    expect(store.creditHistory(consumer).unpaid).toBe(90n)
  })

  it('leaves no secret behind when it ends', () => {
    store.end('s', { ...figures, owed: wei(360n) }, 'requested', unixSeconds(2_000))
    expect(store.interrupted('s')).toBeUndefined()
    expect(store.open()).toEqual([])
    expect(db.prepare('SELECT count(*) AS count FROM tunnel').get()).toEqual({ count: 0 })
    expect(store.latest(1)).toMatchObject([{ promised: 360n, ending: 'requested' }])
  })

  describe('keeps what a consumer left unpaid', () => {
    const unpaid = () => store.creditHistory(consumer).unpaid
    const end = (id: string, owed: bigint, promised: bigint) =>
      store.end(
        id,
        { ...figures, owed: wei(owed), promised: wei(promised) },
        'payment-overdue',
        unixSeconds(2_000),
      )
    const promise = (amount: bigint) =>
      new PromiseStore(db).keepPromises([
        { channelId, amount: wei(amount), signature: '0x00', at: unixSeconds(1) },
      ])

    it('over forty sessions and a restart', () => {
      promise(40n)
      end('s', 120n, 40n)
      expect(unpaid()).toBe(80n)
      for (let number = 0; number < 39; number++) {
        const id = `s${number}`
        store.begin({ ...record, id, key: 10 + number }, tunnel)
        end(id, 50n, 40n)
      }
      expect(unpaid()).toBe(80n + 39n * 10n)
      db.close()
      db = openDatabase(home)
      store = new SessionStore(db)
      expect(unpaid()).toBe(80n + 39n * 10n)
      expect(store.creditHistory(hub)).toEqual({ promised: 0n, unpaid: 0n })
    })

    it('less what it pays between sessions, but not what it pays for the next one', () => {
      promise(40n)
      end('s', 120n, 40n)
      promise(70n)
      expect(unpaid()).toBe(50n)
      store.begin({ ...record, id: 'next', key: 2, base: wei(70n) }, tunnel)
      promise(1_000n)
      expect(store.creditHistory(consumer)).toEqual({ promised: 1_000n, unpaid: 50n })
      end('next', 1_000n, 1_000n)
      expect(unpaid()).toBe(50n)
      promise(1_020n)
      expect(unpaid()).toBe(30n)
    })
  })
})

it('tells what each session brought, the oldest first', () => {
  store.begin({ ...record, id: 'earlier', key: 2, startedAt: unixSeconds(900) }, tunnel)
  store.end('s', { ...figures, owed: figures.promised }, 'consumer', unixSeconds(1_500))
  expect([...store.earned()]).toEqual([
    { id: 'earlier', hub, at: 900, bytes: 0n, promised: 0n },
    { id: 's', hub, at: 1_500, bytes: 7_001_000n, promised: 320n },
  ])
})

it('goes through the sessions of years for nothing but what they brought', () => {
  const asked: string[] = []
  const { prepare } = db
  db.prepare = ((text: string) => {
    asked.push(text)
    return prepare(text)
  }) as typeof prepare
  new SessionStore(db).nextKey()
  store.latest(20)
  store.open()
  store.runsFor(consumer)
  store.creditHistory(consumer)
  store.interrupted('s')
  store.end('s', { ...figures, owed: figures.promised }, 'consumer', unixSeconds(1_500))
  const statements = asked.filter((text) => text.includes('session'))
  db.prepare = prepare
  const whole = statements.flatMap((text) =>
    (
      db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...Array.from(text.matchAll(/[?]/g), () => null)) as {
        detail: string
      }[]
    )
      .map(({ detail }) => detail)
      .filter((detail) => /^SCAN session$|TEMP B-TREE/.test(detail))
      .map((detail) => `${detail}: ${text}`),
  )
  expect(statements.length).toBeGreaterThan(7)
  // Of those that run there are few: they may be put in order.
  expect(whole.filter((text) => !/B-TREE.*ended_at IS NULL/.test(text))).toEqual([])
})
