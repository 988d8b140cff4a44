import { honestRules } from '../../hub/dist/core/rules.js'
import { openSqliteLedger } from '../../hub/dist/index.js'
import { unixSeconds, wei } from '../../shared/dist/index.js'
import { sumTree } from '../../shared/dist/node/index.js'
import { addressAt, channelAt } from './crowd.mjs'
import { day, size, yearBegan } from './size.mjs'

// A year of a hub, written through the port of its ledger.

const chunk = 2_000
const anySignature = `0x${'1b'.repeat(65)}`
const balance = wei(10n ** 15n)
/** Cleared on each channel, in the smallest unit. */
export const cleared = wei(1_000n)
const decide = () => ({ ok: true })
const channelsEach = Math.ceil((size.channels - size.channelsUndrawn) / (size.providers - 1))

/** Numbers of the open channels of a provider: the first is the one whose year is written, too. */
const channelsOf = (provider) =>
  provider === 0
    ? range(0, size.channelsUndrawn)
    : range(
        size.channelsUndrawn + (provider - 1) * channelsEach,
        Math.min(size.channels, size.channelsUndrawn + provider * channelsEach),
      )
const range = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)

/**
 * @param providers - Of whom the first is the one whose year is written, too.
 * @param sign - Signs a document as the hub.
 */
export async function fillHub(path, chain, providers, sign) {
  const ledger = await openSqliteLedger(path)
  try {
    const head = await chain.head()
    const block = await chain.rpc.getBlock(head.number)
    const cursor = { number: head.number, hash: block.hash, at: head.at }
    const now = { cursor, hub: { ...(await ledger.standing()) } }
    await openAll(ledger, now)
    await clearAll(ledger, head, providers, sign)
    await drawAndClose(ledger, now, providers)
    await history(ledger, providers, sign)
  } finally {
    await ledger.close()
  }
}

const channelRow = (index, status) => ({
  ...{ channelId: channelAt(index), consumer: addressAt('payer', index % 20_000), nonce: index },
  ...{ status, balance, exitAt: 0 },
})

async function openAll(ledger, now) {
  await inChunks(range(0, size.channels + size.closedChannels), (some) =>
    ledger.applyChain({
      ...{ ...now, tabs: [], accounts: [] },
      channels: some.map((index) => channelRow(index, 'open')),
    }),
  )
}

async function clearAll(ledger, head, providers, sign) {
  const expiresAt = unixSeconds(head.at + 3_600)
  const clears = providers.map((provider, index) => async () => {
    const ids = channelsOf(index).map(channelAt)
    await Promise.all(
      ids.map((channelId) =>
        ledger.grant({
          ...{ channelId, provider, cause: channelId, decide },
          sign: () => ({ channelId, provider, ceiling: balance, expiresAt, signature: anySignature }),
        }),
      ),
    )
    await ledger.credit({
      ...{
        provider,
        promises: ids.map((channelId) => ({ channelId, amount: cleared, signature: anySignature })),
      },
      decide: () => ({ ok: true, credit: cleared }),
      solvent: decide,
      sign: (total) => sign('HubPromise', { provider, total }).signature,
      ...{ renew: () => undefined, renewBefore: () => 0 },
    })
    for (const channelId of ids.slice(0, 10))
      await ledger.recordReceipt({
        ...{ decide, receipt: receiptOf(channelId, provider) },
      })
  })
  await inChunks(clears, (some) => Promise.all(some.map((clear) => clear())), 200)
}

const receiptOf = (channelId, provider) => ({
  ...{ provider, channelId, amount: cleared, bytes: 25_000_000, throughputKbps: 80_000, score: 4 },
  ...{ endedAt: unixSeconds(yearBegan), signature: anySignature },
})

/** Half of what was promised to the others is drawn; the channels of the year that are over are closed. */
async function drawAndClose(ledger, now, providers) {
  const tabs = providers.slice(1).flatMap((provider, index) =>
    channelsOf(index + 1).flatMap((channel) =>
      channel % 2 === 0
        ? [
            {
              channelId: channelAt(channel),
              provider,
              drawn: cleared,
              protested: wei(0n),
              protestEndsAt: 0,
            },
          ]
        : [],
    ),
  )
  await inChunks(tabs, (some) => ledger.applyChain({ ...now, channels: [], accounts: [], tabs: some }))
  const closed = range(size.channels, size.channels + size.closedChannels)
  await inChunks(closed, (some) =>
    Promise.all(
      some.map((index) =>
        ledger.recordClosing({
          ...{ channelId: channelAt(index), decide },
          sign: () => ({
            ...{ channelId: channelAt(index), turnNum: 2, totals: [], releases: [] },
            ...{ consumerSignature: anySignature, hubSignature: anySignature },
          }),
        }),
      ),
    ),
  )
  await inChunks(closed, (some) =>
    ledger.applyChain({
      ...{ ...now, tabs: [], accounts: [] },
      channels: some.map((index) => channelRow(index, 'closed')),
    }),
  )
}

/** What was relayed and sent, and what was published last: of that a hub keeps two days. */
async function history(ledger, providers, sign) {
  await inChunks(range(0, size.days * 200), (some) =>
    Promise.all(
      some.map((index) =>
        ledger.recordRelayed({
          ...{ digest: channelAt(`relayed ${index}`), identity: addressAt('payer', index % 20_000) },
          ...{ transaction: channelAt(`transaction ${index}`), at: yearBegan + index * (day / 200) },
        }),
      ),
    ),
  )
  await inChunks(range(0, size.days * size.settlementsADay), (some) =>
    Promise.all(some.map((index) => ledger.outbox.add(sentAt(index)))),
  )
  const owed = { total: wei(10n * cleared), credited: wei(5n * cleared), paid: wei(0n) }
  const { root, sum, leaves } = sumTree(
    honestRules.liabilities(providers.map((provider) => ({ provider, ...owed }))),
  )
  for (let hour = 48; hour > 0; hour--)
    await ledger.recordPublication({
      liabilities: sign('Liabilities', { root, sum, pool: wei(10n ** 20n), blockNumber: 100 - hour }),
      ...{ leaves, publishedAt: Math.floor(Date.now() / 1_000) - hour * 3_600 },
    })
}

const sentAt = (index) => ({
  ...{ intent: channelAt(`draw ${index}`), state: 'done', revision: 4 },
  call: { to: addressAt('contract', 0), data: `0x${'ab'.repeat(2_000)}`, value: '0' },
  ...{ nonce: index, gasLimit: '500000' },
  versions: [
    { hash: channelAt(`version ${index}`), maxFeePerGas: '2000000000', maxPriorityFeePerGas: '1000000000' },
  ],
  outcome: { transaction: channelAt(`version ${index}`), blockNumber: index, succeeded: true },
  settledAt: yearBegan + index * (day / size.settlementsADay),
})

async function inChunks(items, work, at = chunk) {
  for (let first = 0; first < items.length; first += at) await work(items.slice(first, first + at))
}
