import { address, type Hex, unixSeconds, wei } from '@pontage/shared'
import type { Ledger } from './ledger.js'
import type { Ask, Engine, Statement } from './store/engine.js'

// What a hub asks its ledger with each request and each block must not read all rows of a table,
// nor what an operator asks it for who looks at some of its channels.

/** Tables that grow with the hub, as far as what is asked for does not bound them. */
export const growing: ReadonlySet<string> = new Set([
  ...['tab', 'other', 'live', 'channel', 'guarantee', 'account', 'closing', 'receipt', 'outbox'],
])
/** Indexes over the few rows that something is to be done about, or from which only the first are read. */
export const short: ReadonlySet<string> = new Set([
  ...[
    'tab_by_size',
    'tab_protested',
    'channel_leaving',
    'closing_open',
    'outbox_by_state',
    'channel_by_balance',
  ],
])

/** The same engine; every statement it is to run is noted. */
export function noting(engine: Engine, noted: Set<Statement>): Engine {
  const note = (asks: readonly Ask[]) => {
    for (const { statement } of asks) noted.add(statement)
    return asks
  }
  return {
    ...engine,
    read: (asks) => engine.read(note(asks)),
    begin: (asks) => engine.begin(note(asks)),
    more: (asks) => engine.more(note(asks)),
    commit: (writes) => engine.commit(note(writes)),
  }
}

const id = (n: number): Hex => `0x${String(n).padStart(64, '0')}`
const somebody = (n: number) => address(`0x${String(n).padStart(40, '0')}`)

/** Everything that requests and blocks ask of a ledger, once. */
export async function workThrough(ledger: Ledger): Promise<void> {
  const contract = somebody(9)
  await ledger.bind(somebody(1), {
    ...{ chainId: 1, token: contract, registry: contract, channels: contract, marketplace: contract },
    fromBlock: 0,
  })
  const channel = { channelId: id(1), consumer: somebody(2), nonce: 1, balance: wei(500n), exitAt: 0 }
  const hub = { balance: wei(1_000n), pendingWithdrawal: wei(0n), feeBps: 200 }
  const tab = {
    channelId: id(1),
    provider: somebody(3),
    drawn: wei(0n),
    protested: wei(1n),
    protestEndsAt: 9,
  }
  await ledger.applyChain({
    ...{ cursor: { number: 1, hash: id(1), at: 1 }, hub, accounts: [], tabs: [tab] },
    channels: [{ ...channel, status: 'open' }],
  })
  const guarantee = {
    ...{ channelId: id(1), provider: somebody(3), ceiling: wei(100n), expiresAt: unixSeconds(5_000) },
    signature: id(7),
  }
  const decide = () => ({ ok: true as const })
  await ledger.grant({ ...guarantee, cause: id(8), decide, sign: () => guarantee })
  await ledger.credit({
    provider: somebody(3),
    promises: [{ channelId: id(1), amount: wei(50n), signature: id(7) }],
    decide: () => ({ ok: true, credit: wei(50n) }),
    solvent: decide,
    sign: () => id(7),
    renew: () => ({ cause: id(9), guarantee }),
    renewBefore: () => 9_000,
  })
  await Promise.all([ledger.pressing(10), ledger.protests(), ledger.undrawn(id(1)), ledger.tally()])
  await Promise.all([ledger.channel(id(1)), ledger.accounts([somebody(3)]), ledger.guaranteed(somebody(3))])
  await ledger.channelsWithTab(somebody(3), [id(1)])
  for (const sought of [{}, { of: id(1) }, { of: somebody(2) }, { of: somebody(3), urgent: true }])
    await ledger.listChannels({ urgent: false, most: 5, ...sought })
  await Promise.all([ledger.openClosings(), ledger.closing(id(1)), ledger.relayed(id(1))])
  await Promise.all([ledger.newestPublications(4), ledger.outbox.open(), ledger.outbox.find(id(1))])
  await ledger.raiseTotal({ provider: somebody(3), total: wei(60n) })
  await ledger.recallGuarantee({ cause: id(10), guarantee: { ...guarantee, ceiling: wei(101n) } })
  await ledger.recordReceipt({
    receipt: {
      ...{ provider: somebody(3), channelId: id(1), amount: wei(50n), bytes: 1, throughputKbps: 1, score: 5 },
      ...{ endedAt: unixSeconds(5), signature: id(7) },
    },
    decide,
  })
  const closing = { turnNum: 2, totals: [], releases: [], consumerSignature: id(5), hubSignature: id(6) }
  await ledger.recordClosing({ channelId: id(1), decide, sign: () => ({ channelId: id(1), ...closing }) })
  await ledger.applyChain({
    ...{ cursor: { number: 2, hash: id(2), at: 2 }, hub, accounts: [], tabs: [] },
    channels: [{ ...channel, status: 'closed' }],
  })
}

/** Opens a channel with a guarantee on it. */
export async function openTab(ledger: Ledger): Promise<void> {
  const guarantee = { channelId: id(1), provider: somebody(3), ceiling: wei(10_000n) }
  await ledger.applyChain({
    cursor: { number: 1, hash: id(1), at: 1 },
    hub: { balance: wei(10_000n), pendingWithdrawal: wei(0n), feeBps: 200 },
    channels: [
      {
        ...{ channelId: id(1), consumer: somebody(2), nonce: 1, balance: wei(10_000n), exitAt: 0 },
        status: 'open',
      },
    ],
    ...{ tabs: [], accounts: [] },
  })
  await ledger.grant({
    ...{ ...guarantee, cause: id(8), decide: () => ({ ok: true }) },
    sign: () => ({ ...guarantee, expiresAt: unixSeconds(5_000), signature: id(7) }),
  })
}

/** Clears promises one after the other on that tab, in a transaction each. */
export async function clearEach(ledger: Ledger, amounts: readonly bigint[]): Promise<void> {
  for (const amount of amounts)
    await ledger.credit({
      provider: somebody(3),
      promises: [{ channelId: id(1), amount: wei(amount), signature: id(Number(amount)) }],
      decide: () => ({ ok: true, credit: wei(1n) }),
      solvent: () => ({ ok: true }),
      sign: () => id(7),
      renew: () => undefined,
      renewBefore: () => 0,
    })
}
