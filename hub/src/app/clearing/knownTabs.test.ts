import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, type Hex, unixSeconds, wei } from '@pontage/shared'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Ledger } from '../../io/ledger.js'
import { sqliteEngine } from '../../io/sqlite/sqliteEngine.js'
import { openSqliteLedger } from '../../io/sqlite/sqliteLedger.js'
import type { Ask } from '../../io/store/engine.js'
import { createLedger } from '../../io/store/ledger.js'
import { KnownTabs } from './knownTabs.js'

const provider = address(`0x${'0b'.repeat(20)}`)
const stranger = address(`0x${'0d'.repeat(20)}`)
const channelId = (n: number): Hex => `0x${String(n).padStart(64, '0')}`

let folder: string
let ledger: Ledger
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-clear-'))
  ledger = await openSqliteLedger(join(folder, 'ledger.sqlite'))
  await ledger.applyChain({
    cursor: { number: 1, hash: '0x01', at: unixSeconds(1_000) },
    hub: { balance: wei(100n), pendingWithdrawal: wei(0n), feeBps: 200 },
    channels: [
      {
        channelId: channelId(1),
        consumer: address(`0x${'0c'.repeat(20)}`),
        nonce: 0,
        status: 'open',
        balance: wei(100n),
        exitAt: unixSeconds(0),
      },
    ],
    tabs: [],
    accounts: [],
  })
  await ledger.grant({
    cause: channelId(9),
    channelId: channelId(1),
    provider,
    decide: () => ({ ok: true }),
    sign: () => ({
      channelId: channelId(1),
      provider,
      ceiling: wei(50n),
      expiresAt: unixSeconds(5_000),
      signature: '0x01',
    }),
  })
})
afterEach(async () => {
  await ledger.close()
  await rm(folder, { recursive: true })
})

it('sets aside what is on no channel or tab before any signature of it is looked at', async () => {
  const tabs = new KnownTabs(ledger)
  const promises = [1, 2].map((n) => ({ channelId: channelId(n) }))
  expect(await tabs.among(provider, promises)).toEqual([{ channelId: channelId(1) }])
  expect(await tabs.among(stranger, promises)).toEqual([])
})

it('asks the ledger once about a tab that is there', async () => {
  const asked: Hex[] = []
  const tabs = new KnownTabs({
    channelsWithTab: (whose, ids) => {
      asked.push(...ids)
      return ledger.channelsWithTab(whose, ids)
    },
  })
  for (let n = 0; n < 3; n++)
    await tabs.among(
      provider,
      [1, 2].map((place) => ({ channelId: channelId(place) })),
    )
  expect(asked).toEqual([1, 2, 2, 2].map(channelId))
})

it('reads whether tabs are there, and nothing else of them, by one statement', async () => {
  const asks: Ask[] = []
  const engine = sqliteEngine(join(folder, 'ledger.sqlite'))
  const watched = createLedger(
    {
      ...engine,
      read: (given) => {
        asks.push(...given)
        return engine.read(given)
      },
    },
    'The ledger',
  )
  const promises = Array.from({ length: 10 }, (_, n) => ({ channelId: channelId(n) }))
  expect(await new KnownTabs(watched).among(provider, promises)).toEqual([{ channelId: channelId(1) }])
  await watched.close()
  expect(asks.map(({ given }) => given.length)).toEqual([10])
  expect(asks[0]?.statement.sqlite).toMatch(/^SELECT channel_id, provider FROM tab WHERE/)
})
