import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, type Hex, type Params, unixSeconds, wei } from '@pontage/shared'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PromiseStore } from '../../io/store/promiseStore.js'
import { type Db, openDatabase } from '../../io/store/storeSchema.js'
import { Clearing } from './clearing.js'

const hub = address(`0x${'bb'.repeat(20)}`)
const consumer = address(`0x${'cc'.repeat(20)}`)
const idOf = (nonce: number): Hex => `0x${nonce.toString(16).padStart(64, '0')}`
const signature: Hex = `0x${'11'.repeat(65)}`

let home: string
let db: Db
let promises: PromiseStore
let suspected: string[]
let sent: string[][]
/** Told of each question, before it is answered. */
let asked: (clearing: Clearing) => void
let clearing: Clearing

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pontage-clearing-'))
  db = openDatabase(home)
  promises = new PromiseStore(db)
  suspected = []
  sent = []
  asked = () => {}
  clearing = createClearing()
})
afterEach(() => {
  db.close()
  rmSync(home, { recursive: true })
})

/** Clears with a hub that forgot all it had taken, and promises the sum of what it is shown from then on. */
function createClearing(): Clearing {
  const known = new Map<Hex, bigint>()
  const link = {
    async request(_type: 'clear', { promises: shown }: Params<'clear'>) {
      asked(clearing)
      sent.push(shown.map(({ channelId, amount }) => `${BigInt(channelId)}: ${amount}`))
      for (const { channelId, amount } of shown) known.set(channelId, amount)
      const total = wei([...known.values()].reduce((sum, amount) => sum + amount, 0n))
      return {
        ok: true as const,
        value: { total, signature, guarantees: [], refused: [], stamps: stampsOn(shown) },
      }
    },
  }
  const channels = {
    accountOf: async () => ({ credited: 0n, paid: 0n, missing: 0n, guaranteedMissing: 0n }),
    hubOf: async () => ({ pool: 0n, pendingWithdrawal: 0n, feeBps: 0n }),
    tabOf: async () => ({ drawn: 0n, protested: 0n, missingByConsumer: 0n }),
  }
  const silent = () => {}
  const components = {
    promises,
    chain: { channels, head: async () => ({ number: 1, at: 1_000 }) },
    identity: { address: address(`0x${'aa'.repeat(20)}`) },
    typedData: { check: () => ({ ok: true }) },
    clock: { now: () => unixSeconds(1_000) },
    log: { info: silent, warn: silent },
  }
  const events = { guaranteed: silent, suspect: (reason: string) => void suspected.push(reason) }
  return new Clearing(components as never, hub, link as never, 3_600, events)
}

/** A hub's stamps, which say what they are on. */
const stampsOn = (shown: Params<'clear'>['promises']) =>
  shown.map(({ channelId, amount }) => ({ channelId, stamp: idOf(Number(amount) + 1_000) }))

/** Has the provider hold a promise on each of these channels, of which the hub has taken so much before. */
function hold(count: number, amount: bigint, cleared: bigint): void {
  const all = Array.from({ length: count }, (_, index) => idOf(index + 1))
  for (const [index, channelId] of all.entries())
    promises.keepChannel(channelId, { consumer, hub, nonce: index + 1 })
  promises.keepPromises(
    all.map((channelId) => ({ channelId, amount: wei(amount), signature, at: unixSeconds(900) })),
  )
  if (cleared > 0n)
    promises.keepClear(
      hub,
      { total: wei(cleared * BigInt(count)), signature },
      all.map((channelId) => ({ channelId, amount: wei(cleared), signature, stamp: undefined })),
      unixSeconds(900),
    )
}

it('clears all of it when the hub turns out, on being connected to, to have forgotten what it took', async () => {
  hold(2, 5n, 5n)
  promises.keepChannel(idOf(3), { consumer, hub, nonce: 3 })
  promises.keepPromises([{ channelId: idOf(3), amount: wei(7n), signature, at: unixSeconds(950) }])
  asked = (each) => sent.length === 0 && each.showAllAgain()
  expect(await clearing.clear()).toEqual({ ok: true })
  expect(sent).toEqual([['3: 7'], expect.arrayContaining(['1: 5', '2: 5', '3: 7'])])
  expect(suspected).toEqual([])
  expect(promises.hubPromise(hub).total).toBe(17n)
})

it('clears all of it also when that turns out between two questions', async () => {
  hold(1_001, 5n, 0n)
  asked = (each) => sent.length === 1 && each.showAllAgain()
  expect(await clearing.clear()).toEqual({ ok: true })
  expect(sent.map(({ length }) => length)).toEqual([1_000, 1, 1_001 - 1, 1])
  expect(promises.hubPromise(hub).total).toBe(5_005n)
})

it('judges a hub that forgot by its total for everything, however many questions that takes', async () => {
  hold(1_001, 5n, 5n)
  clearing.showAllAgain()
  expect(await clearing.clear()).toEqual({ ok: true })
  expect(sent.map(({ length }) => length)).toEqual([1_000, 1])
  expect(suspected).toEqual([])
  expect(promises.hubPromise(hub).total).toBe(5_005n)
})

it('keeps the stamp on each promise, however many questions it takes to clear them', async () => {
  hold(1_001, 5n, 5n)
  clearing.showAllAgain()
  expect(await clearing.clear()).toEqual({ ok: true })
  const stamped = promises.channelsOf(hub).map(({ promise }) => promise?.stamped)
  expect(stamped).toHaveLength(1_001)
  expect(new Set(stamped.map((each) => each?.stamp))).toEqual(new Set([idOf(1_005)]))
})

it('suspects a hub whose total falls short of what it took', async () => {
  hold(2, 5n, 5n)
  promises.keepChannel(idOf(3), { consumer, hub, nonce: 3 })
  promises.keepPromises([{ channelId: idOf(3), amount: wei(7n), signature, at: unixSeconds(950) }])
  expect(await clearing.clear()).toMatchObject({ ok: false, refusal: { code: 'promise-too-low' } })
  expect(suspected).toHaveLength(1)
})
