import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, type Hex, unixSeconds, wei } from '@pontage/shared'
import { expect, it } from 'vitest'
import { SettlementStore } from './settlementStore.js'
import { openDatabase } from './storeSchema.js'

it('remembers how far payments were looked for, whatever was paid since', async () => {
  const home = await mkdtemp(join(tmpdir(), 'pontage-settlements-'))
  const db = openDatabase(home)
  const store = new SettlementStore(db)
  expect(store.lastBlock()).toBeUndefined()
  const paid = (block: number) =>
    store.add({
      ...{
        kind: 'redeem',
        hub: address(`0x${'aa'.repeat(20)}`),
        amount: wei(1n),
        total: wei(1n),
        gasUsed: 0,
      },
      ...{ gasPrice: 0n, block, at: unixSeconds(1) },
      transaction: `0x${block.toString(16).padStart(64, '0')}` as Hex,
    })
  paid(10)
  expect(store.lastBlock()).toBe(10)
  store.follow(300)
  store.follow(200)
  paid(500)
  expect(store.lastBlock()).toBe(300)
  db.close()
  await rm(home, { recursive: true })
})
