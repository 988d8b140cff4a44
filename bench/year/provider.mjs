import { randomUUID } from 'node:crypto'
import { PromiseStore } from '../../provider/dist/io/store/promiseStore.js'
import { SessionStore } from '../../provider/dist/io/store/sessionStore.js'
import { SettlementStore } from '../../provider/dist/io/store/settlementStore.js'
import { openDatabase } from '../../provider/dist/io/store/storeSchema.js'
import { unixSeconds, wei } from '../../shared/dist/index.js'
import { addressAt, channelAt } from './crowd.mjs'
import { cleared } from './hub.mjs'
import { day, size, yearBegan } from './size.mjs'

// A year of a provider, written through its stores: the whole year in one commit.

const anySignature = `0x${'1b'.repeat(65)}`
const tunnel = {
  ...{
    bootId: 'an earlier one',
    paymentPort: 4_000,
    graceSeconds: 10,
    wireguardKey: 'none',
    presharedKey: 'none',
  },
  addresses: { address4: '10.86.0.2', address6: 'fd50::2' },
  price: { perMegabyte: 40n, perHour: 0n },
  credit: { atFirst: 2_000_000n, atMost: 2_000_000n, perSecond: 10_000_000n },
}

/** @param hubPromise - What the hub has promised, by its own ledger. */
export function fillProvider(home, hub, hubPromise) {
  const db = openDatabase(home)
  try {
    const stores = {
      promises: new PromiseStore(db),
      sessions: new SessionStore(db),
      settlements: new SettlementStore(db),
    }
    db.transaction(() => {
      keepChannels(stores.promises, hub, hubPromise)
      keepSessions(stores.sessions, hub)
      keepSettlements(stores.settlements, hub)
    })()
  } finally {
    db.close()
  }
}

const count = size.channelsUndrawn + size.channelsDrawn
/** Those on which something is undrawn are the first of the hub's; of the others it knows nothing any more. */
const channelOf = (index) => channelAt(index < size.channelsUndrawn ? index : `drawn ${index}`)
const payerOf = (index) => addressAt('payer', index % 20_000)

function keepChannels(promises, hub, hubPromise) {
  const at = unixSeconds(yearBegan)
  const all = Array.from({ length: count }, (_, index) => channelOf(index))
  const kept = all.map((channelId) => ({ channelId, amount: cleared, signature: anySignature }))
  for (const [index, channelId] of all.entries())
    promises.keepChannel(channelId, { consumer: payerOf(index), hub, nonce: index })
  promises.keepPromises(kept.map((each) => ({ ...each, at })))
  promises.keepClear(
    hub,
    hubPromise,
    kept.map((each) => ({ ...each, stamp: undefined })),
    at,
  )
  promises.noteDrawn(kept.slice(size.channelsUndrawn))
}

function keepSessions(sessions, hub) {
  const total = size.days * size.sessionsADay
  for (let key = 1; key <= total; key++) {
    const index = key % count
    const startedAt = yearBegan + Math.floor((key * day) / size.sessionsADay) - 3_600
    const id = randomUUID()
    const parties = { channelId: channelOf(index), consumer: payerOf(index), hub }
    sessions.begin({ id, key, ...parties, startedAt, base: wei(0n) }, tunnel)
    const promised = wei(25n)
    const figures = { downBytes: 20_000_000n, upBytes: 5_000_000n, promises: 25, promised, owed: promised }
    sessions.end(id, figures, 'consumer', startedAt + 1_800)
  }
}

function keepSettlements(settlements, hub) {
  for (let index = 0; index < size.days * size.settlementsADay; index++) {
    const amount = wei(1_000n)
    settlements.add({
      ...{ kind: index % 2 === 0 ? 'draw' : 'redeem', hub, amount, total: amount, gasUsed: 100_000 },
      ...{ gasPrice: 1_000_000_000n, transaction: channelAt(`settlement ${index}`), block: index },
      at: yearBegan + Math.floor((index * day) / size.settlementsADay),
    })
  }
}
