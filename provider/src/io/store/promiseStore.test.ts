import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, type Hex, unixSeconds, wei } from '@pontage/shared'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GroupCommit } from './groupCommit.js'
import { PromiseStore } from './promiseStore.js'
import { type Db, openDatabase } from './storeSchema.js'

const hub = `0x${'bb'.repeat(20)}` as Address
const channelId: Hex = `0x${'11'.repeat(32)}`
const parties = { consumer: `0x${'cc'.repeat(20)}` as Address, hub, nonce: 7 }
const signature = (byte: string): Hex => `0x${byte.repeat(65)}`
const at = unixSeconds(1_000)
const promise = (amount: bigint, byte = 'a1') => ({
  channelId,
  amount: wei(amount),
  signature: signature(byte),
  at,
})

let home: string
let db: Db
let store: PromiseStore

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pontage-store-'))
  db = openDatabase(home)
  store = new PromiseStore(db)
  store.keepChannel(channelId, parties)
})
afterEach(() => {
  db.close()
  rmSync(home, { recursive: true })
})

describe('the promise store', () => {
  it('keeps the latest promise over a restart, with amounts beyond any float', () => {
    const amount = 2n ** 128n + 1n
    store.keepPromises([promise(amount)])
    db.close()
    db = openDatabase(home)
    store = new PromiseStore(db)
    expect(store.channel(channelId)).toMatchObject({ parties, promise: { amount, cleared: 0n, drawn: 0n } })
  })

  it('never lowers a total, in whatever order promises come', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), { minLength: 1 }), (amounts) => {
        const other: Hex = `0x${'12'.repeat(32)}`
        db.exec('DELETE FROM promise')
        store.keepChannel(other, parties)
        for (const amount of amounts) store.keepPromises([{ ...promise(amount), channelId: other }])
        const highest = [...amounts].sort((a, b) => (a < b ? -1 : 1)).at(-1)
        expect(store.channel(other)?.promise?.amount).toBe(highest)
      }),
      { numRuns: 20 },
    )
  })

  it('replaces a guarantee by one that lasts longer, as long as it covers what is promised', () => {
    const guarantee = (ceiling: bigint, expiresAt: number) => ({
      channelId,
      provider: hub,
      ceiling: wei(ceiling),
      expiresAt: unixSeconds(expiresAt),
      signature: signature('b2'),
    })
    const held = () => store.channel(channelId)?.guarantee
    store.keepPromises([promise(80n)])
    store.keepGuarantee(guarantee(100n, 2_000), at)
    store.keepGuarantee(guarantee(90n, 2_500), at)
    expect(held()).toMatchObject({ ceiling: 90n, expiresAt: 2_500 })
    store.keepGuarantee(guarantee(79n, 3_000), at)
    store.keepGuarantee(guarantee(200n, 2_400), at)
    expect(held()).toMatchObject({ ceiling: 90n, expiresAt: 2_500 })
    store.keepGuarantee(guarantee(100n, 2_500), unixSeconds(1_100))
    expect(held()).toMatchObject({ ceiling: 100n, expiresAt: 2_500, receivedAt: 1_100 })
  })

  it('records a clear whole, and a hub’s total never falls', () => {
    store.keepPromises([promise(60n)])
    store.keepClear(
      hub,
      { total: wei(58n), signature: signature('c3') },
      [{ ...promise(60n), stamp: channelId }],
      at,
    )
    store.keepClear(
      hub,
      { total: wei(50n), signature: signature('d4') },
      [{ ...promise(40n), stamp: undefined }],
      at,
    )
    expect(store.hubPromise(hub)).toEqual({ total: 58n, signature: signature('c3') })
    expect(store.channel(channelId)?.promise?.cleared).toBe(60n)
  })

  it('keeps what was cleared with its stamp, also when larger promises come after it', () => {
    const clear = (amount: bigint, stamp: Hex | undefined) =>
      store.keepClear(
        hub,
        { total: wei(1n), signature: signature('c3') },
        [{ ...promise(amount), stamp }],
        at,
      )
    store.keepPromises([promise(60n)])
    // By a hub that gives no stamps, and then one that does.
    clear(60n, undefined)
    expect(store.channel(channelId)?.promise?.stamped).toBeUndefined()
    clear(60n, channelId)
    clear(60n, undefined)
    store.keepPromises([promise(80n)])
    const stamped = { signature: promise(60n).signature, stamp: channelId, at }
    expect(store.channel(channelId)?.promise).toMatchObject({ amount: 80n, cleared: 60n, stamped })
  })

  it('never forgets a release', () => {
    store.keepRelease({ channelId, amount: wei(60n), upTo: unixSeconds(5_000) })
    store.keepChannel(channelId, parties)
    expect(store.channel(channelId)?.released).toEqual({ amount: 60n, upTo: 5_000 })
  })
})

describe('a group commit', () => {
  it('answers every promise once the largest of its channel is stored', async () => {
    const commit = new GroupCommit(store)
    const kept = await Promise.all([10n, 30n, 20n].map((amount) => commit.keep(promise(amount))))
    expect(kept.map(({ amount }) => amount)).toEqual([30n, 30n, 30n])
    expect(store.channel(channelId)?.promise?.amount).toBe(30n)
  })

  it('tells everybody when the disk fails', async () => {
    const commit = new GroupCommit(store)
    const waiting = [commit.keep(promise(1n)), commit.keep(promise(2n))]
    db.close()
    const results = await Promise.allSettled(waiting)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    db = openDatabase(home)
  })
})
