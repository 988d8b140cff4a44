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
import { readTabs } from '../../io/store/tables.js'
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

it('reads a channel that is cleared for the first time once, with what is decided on it', async () => {
  const asks: Ask[] = []
  const engine = sqliteEngine(join(folder, 'ledger.sqlite'))
  const watched = createLedger(
    {
      ...engine,
      read: (given) => engine.read(noted(given)),
      begin: (given) => engine.begin(noted(given)),
      more: (given) => engine.more(noted(given)),
    },
    'The ledger',
  )
  const noted = (given: readonly Ask[]) => {
    asks.push(...given)
    return given
  }
  // As any transaction before it tells where the ledger stands.
  await watched.raiseTotal({ provider: stranger, total: wei(1n) })
  const tabs = new KnownTabs(watched)
  for (const amount of [10n, 20n]) {
    const promises = await tabs.among(provider, [
      { channelId: channelId(1), amount: wei(amount), signature: channelId(7) },
    ])
    await watched.credit({
      ...{
        provider,
        promises,
        decide: () => ({ ok: true, credit: wei(10n) }),
        solvent: () => ({ ok: true }),
      },
      ...{ sign: () => channelId(7), renew: () => undefined, renewBefore: () => 0 },
    })
  }
  expect((await watched.channel(channelId(1)))?.tabs[0]).toMatchObject({ provider, cleared: wei(20n) })
  await watched.close()
  const reads = asks.filter(({ statement }) => statement === readTabs).flatMap(({ given }) => given)
  // The first look, and that of the test itself.
  expect(reads).toEqual([[channelId(1)], [channelId(1)]])
})
