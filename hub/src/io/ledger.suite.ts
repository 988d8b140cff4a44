import { type Address, address, type Hex, refuse, type Signed, unixSeconds, wei } from '@pontage/shared'
import type { OutboxEntry } from '@pontage/shared/node'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChannelLine, tabOf } from '../core/channelLine.js'
import { judgePromise } from '../core/credit.js'
import { judgeFinal } from '../core/finalState.js'
import { judgeReceipt } from '../core/receipts.js'
import { judgeReservation, reservedBy } from '../core/reserve.js'
import { judgeSolvency } from '../core/solvency.js'
import type { ChainUpdate, Closing, Ledger, RelayJobCounts } from './ledger.js'

const hub = address(`0x${'0a'.repeat(20)}`)
const consumer = address(`0x${'0c'.repeat(20)}`)
const provider = (n: number): Address => address(`0x${String(n).padStart(40, '0')}`)
const channelId = (n: number): Hex => `0x${String(n).padStart(64, '0')}`
const signatureOf = (n: bigint | number): Hex => `0x${n.toString(16).padStart(130, '0')}`
const deployment = {
  chainId: 31_337,
  token: provider(91),
  registry: provider(92),
  channels: provider(93),
  marketplace: provider(94),
  fromBlock: 0,
}

const block = (number: number, more: Partial<ChainUpdate> = {}): ChainUpdate => ({
  cursor: { number, hash: signatureOf(number), at: 1_000 + number },
  hub: { balance: wei(1_000n), pendingWithdrawal: wei(0n), feeBps: 200 },
  channels: [],
  tabs: [],
  accounts: [],
  ...more,
})
const openChannel = (n: number, balance: bigint, status: ChannelLine['status'] = 'open') => ({
  channelId: channelId(n),
  consumer,
  nonce: n,
  status,
  balance: wei(balance),
  exitAt: 0,
})

/** What every store must do, whatever it is made of. `open` opens the same store again after `close`. */
export function ledgerSuite(name: string, open: () => Promise<Ledger>): void {
  let ledger: Ledger
  let causes = 0

  const grant = (
    channel: number,
    to: number,
    ceiling: bigint,
    expiresAt = 5_000,
    cause = ++causes,
    look: (line: ChannelLine) => void = () => undefined,
  ) =>
    ledger.grant({
      cause: channelId(1_000 + cause),
      channelId: channelId(channel),
      provider: provider(to),
      decide: (line) => {
        look(line)
        return judgeReservation(line, provider(to), wei(ceiling))
      },
      sign: () => guarantee(channel, to, ceiling, expiresAt),
    })
  const guarantee = (
    channel: number,
    to: number,
    ceiling: bigint,
    expiresAt: number,
  ): Signed<'Guarantee'> => ({
    channelId: channelId(channel),
    provider: provider(to),
    ceiling: wei(ceiling),
    expiresAt: unixSeconds(expiresAt),
    signature: signatureOf(7),
  })
  const credit = (to: number, promises: [number, bigint][], renewed?: Signed<'Guarantee'>) =>
    ledger.credit({
      provider: provider(to),
      promises: promises.map(([channel, amount]) => ({
        channelId: channelId(channel),
        amount: wei(amount),
        signature: signatureOf(amount),
      })),
      decide: (line, { amount }, feeBps) =>
        judgePromise(line, provider(to), { amount, signer: consumer }, feeBps),
      solvent: judgeSolvency,
      sign: (total) => signatureOf(total),
      renew: () => renewed && { cause: channelId(5_555), guarantee: renewed },
      renewBefore: () => 3_000,
    })
  const closing = (n: number): Closing => ({
    channelId: channelId(n),
    turnNum: 2,
    totals: [{ provider: provider(1), amount: wei(10n ** 25n) }],
    releases: [{ provider: provider(1), amount: 3n, upTo: 9, signature: signatureOf(4) }],
    consumerSignature: signatureOf(5),
    hubSignature: signatureOf(6),
  })

  describe(name, () => {
    beforeEach(async () => {
      ledger = await open()
      await ledger.bind(hub, deployment)
      await ledger.applyChain(block(1, { channels: [openChannel(1, 500n), openChannel(2, 300n)] }))
    })
    afterEach(() => ledger.close())

    it('keeps what is to be sent, the oldest first, until it is done', async () => {
      const entry = (n: number, state: OutboxEntry['state'], revision = 0): OutboxEntry => ({
        intent: channelId(n),
        state,
        revision,
        call: { to: consumer, data: signatureOf(n), value: '0' },
        nonce: n,
        versions: [
          {
            hash: channelId(n),
            raw: signatureOf(n),
            maxFeePerGas: `${10n ** 20n}`,
            maxPriorityFeePerGas: '1',
          },
        ],
      })
      const { outbox } = ledger
      expect(await outbox.find(channelId(2))).toBeUndefined()
      for (const n of [2, 1, 3]) expect(await outbox.add(entry(n, 'wanted'))).toEqual(entry(n, 'wanted'))
      expect(await outbox.put(entry(2, 'sent', 1))).toBe(true)
      // The same intent is one transaction, and of two writers the first is right.
      expect(await outbox.add(entry(2, 'wanted'))).toEqual(entry(2, 'sent', 1))
      expect(await outbox.put(entry(2, 'mined', 1))).toBe(false)
      expect(await outbox.put(entry(1, 'done', 1))).toBe(true)
      await ledger.close()
      ledger = await open()
      expect(await ledger.outbox.open()).toEqual([entry(2, 'sent', 1), entry(3, 'wanted')])
      expect(await ledger.outbox.find(channelId(1))).toEqual(entry(1, 'done', 1))
      // What the chain refused may be wanted again.
      expect(await ledger.outbox.put(entry(3, 'refused', 1))).toBe(true)
      expect(await ledger.outbox.add(entry(3, 'wanted'))).toEqual(entry(3, 'wanted'))
      expect((await ledger.outbox.open()).map(({ nonce }) => nonce)).toEqual([2, 3])
    })

    it('forgets what is long done, and nothing that may still have to be sent', async () => {
      const { outbox } = ledger
      const put = async (n: number, state: OutboxEntry['state'], settledAt?: number) => {
        const entry: OutboxEntry = {
          intent: channelId(n),
          state: 'wanted',
          revision: 0,
          call: { to: consumer, data: signatureOf(n), value: '0' },
          versions: [],
        }
        await outbox.add(entry)
        const settled = settledAt === undefined ? {} : { settledAt: unixSeconds(settledAt) }
        expect(await outbox.put({ ...entry, state, revision: 1, ...settled })).toBe(true)
      }
      await put(1, 'done', 100)
      await put(2, 'done', 200)
      await put(3, 'sent')
      await put(4, 'mined')
      await put(5, 'refused', 100)
      // As versions wrote it that kept no time.
      await put(6, 'done')
      await outbox.forget(unixSeconds(200))
      const left = await Promise.all(
        [1, 2, 3, 4, 5, 6].map(async (n) => (await outbox.find(channelId(n)))?.state),
      )
      expect(left).toEqual([undefined, 'done', 'sent', 'mined', undefined, undefined])
      expect(await outbox.open()).toHaveLength(2)
    })

    it('belongs to one hub of one deployment for ever', async () => {
      await ledger.bind(hub, deployment)
      await expect(ledger.bind(consumer, deployment)).rejects.toThrow(/belongs to hub/)
      await expect(ledger.bind(hub, { ...deployment, chainId: 1 })).rejects.toThrow(/chainId 31337, not 1/)
    })

    it('remembers how far it followed the chain, and what it saw there', async () => {
      expect(await ledger.cursor()).toEqual({ number: 1, hash: signatureOf(1), at: 1_001 })
      expect(await ledger.standing()).toEqual({ balance: 1_000n, pendingWithdrawal: 0n, feeBps: 200 })
      expect((await ledger.openChannels()).map((line) => line.channelId)).toEqual([
        channelId(1),
        channelId(2),
      ])
      expect(await ledger.channel(channelId(3))).toBeUndefined()
    })

    it('answers the same request with the same guarantee', async () => {
      const first = await grant(1, 1, 100n, 5_000, 77)
      expect(first).toEqual({ ok: true, guarantee: guarantee(1, 1, 100n, 5_000) })
      expect(await grant(1, 1, 999n, 6_000, 77)).toEqual(first)
    })

    it('reserves for every guarantee until a block is younger than its expiry', async () => {
      await grant(1, 1, 400n, 1_004)
      expect((await grant(1, 2, 101n)).ok).toBe(false)
      await ledger.applyChain(block(4))
      expect((await grant(1, 2, 101n)).ok).toBe(false)
      await ledger.applyChain(block(5))
      expect((await grant(1, 2, 101n)).ok).toBe(true)
    })

    it('reserves for the highest live guarantee even when a later one is lower', async () => {
      await grant(1, 1, 400n, 2_000)
      await grant(1, 1, 50n, 9_000)
      expect((await grant(1, 2, 101n)).ok).toBe(false)
      await ledger.applyChain(block(1_100))
      expect((await grant(1, 2, 101n)).ok).toBe(true)
    })

    it('keeps a few guarantees of a tab, however often one is asked for', async () => {
      for (let n = 0; n < 30; n++) expect((await grant(1, 1, 100n, 5_000 + n)).ok).toBe(true)
      await grant(1, 1, 40n, 6_000)
      const rows = (await ledger.dump()).filter(({ table }) => table === 'guarantee')
      expect(rows.map(({ row }) => row.expires_at).sort()).toEqual([5_029, 6_000])
      // The largest ceiling still counts for as long as it lives.
      expect(tabOf((await ledger.channel(channelId(1))) as ChannelLine, provider(1)).liveCeiling).toBe(100n)
    })

    it('keeps no more guarantees of a tab than anybody needs, each lower and longer than the one before', async () => {
      const granted = []
      for (let n = 0; n < 40; n++) granted.push(await grant(1, 1, BigInt(100 - n), 5_000 + n))
      expect(granted.filter(({ ok }) => ok)).toHaveLength(32)
      expect(granted.at(-1)).toMatchObject({ refusal: { code: 'too-many-guarantees', limit: 32 } })
      // The highest covers all others, and makes room.
      expect((await grant(1, 1, 100n, 6_000)).ok).toBe(true)
      expect((await ledger.dump()).filter(({ table }) => table === 'guarantee')).toHaveLength(1)
    })

    it('forgets tabs on which nothing was promised a day after their guarantee, and no others', async () => {
      await grant(1, 1, 100n, 5_000)
      await grant(1, 2, 100n, 5_000)
      await grant(2, 3, 100n, 5_000)
      await credit(2, [[1, 10n]])
      const protest = { channelId: channelId(2), provider: provider(3), drawn: wei(0n), protestEndsAt: 9 }
      await ledger.applyChain(block(2, { tabs: [{ ...protest, protested: wei(5n) }] }))
      const left = async () =>
        (await ledger.openChannels()).flatMap(({ tabs }) => tabs.map((tab) => tab.provider)).sort()
      const at = (time: number) => block(time - 1_000)
      await ledger.applyChain(at(5_000 + 86_400))
      expect(await left()).toEqual([1, 2, 3].map(provider))
      await ledger.applyChain(at(5_001 + 86_400))
      expect(await left()).toEqual([2, 3].map(provider))
      expect(await ledger.guaranteed(provider(1))).toBe(false)
      expect(await ledger.problem()).toBeUndefined()
      // A new guarantee begins again.
      expect(await grant(1, 1, 100n, 200_000)).toMatchObject({ ok: true })
    })

    it('lists some of its channels: where one is left or protested, then those that hold most', async () => {
      const left = { ...openChannel(3, 10n), exitAt: 9_000 }
      await ledger.applyChain(
        block(2, { channels: [left, openChannel(4, 400n), openChannel(5, 7n, 'closed')] }),
      )
      await grant(2, 1, 100n)
      await grant(4, 2, 100n)
      const protest = { channelId: channelId(2), provider: provider(1), drawn: wei(0n), protestEndsAt: 8_000 }
      await ledger.applyChain(block(3, { tabs: [{ ...protest, protested: wei(5n) }] }))
      const list = async (sought: Partial<Parameters<Ledger['listChannels']>[0]>) => {
        const { count, shown } = await ledger.listChannels({ urgent: false, most: 9, ...sought })
        return [count, ...shown.map((line) => line.channelId)]
      }
      const named = (count: number, ...channels: number[]) => [count, ...channels.map(channelId)]
      expect(await list({})).toEqual(named(4, 2, 3, 1, 4))
      expect(await list({ most: 3 })).toEqual(named(4, 2, 3, 1))
      expect(await list({ urgent: true })).toEqual(named(2, 2, 3))
      expect(await list({ urgent: true, most: 1 })).toEqual(named(2, 2))
      expect(await list({ of: consumer, most: 1 })).toEqual(named(4, 2))
      expect(await list({ of: provider(2).toUpperCase().replace('X', 'x') })).toEqual(named(1, 4))
      expect(await list({ of: provider(2), urgent: true })).toEqual([0])
      expect(await list({ of: channelId(1) })).toEqual(named(1, 1))
      for (const nobody of [provider(8), 'somebody', '0x1g', `${channelId(1)}0`])
        expect(await list({ of: nobody })).toEqual([0])
      const [first] = (await ledger.listChannels({ urgent: true, most: 1 })).shown
      expect(first).toEqual(await ledger.channel(channelId(2)))
    })

    it('lists some of its providers, those first that may redeem most, with what they are guaranteed', async () => {
      await grant(1, 1, 100n)
      await grant(1, 2, 90n)
      await grant(2, 2, 80n, 1_100)
      await grant(2, 3, 70n)
      await credit(1, [[1, 20n]])
      await credit(2, [[1, 60n]])
      await ledger.applyChain(block(101))
      const { count, shown } = await ledger.listProviders(9)
      expect(count).toBe(3)
      expect(
        shown.map((each) => [each.provider, each.total, each.live.map((tab) => tab.liveCeiling)]),
      ).toEqual([
        [provider(2), 59n, [90n]],
        [provider(1), 20n, [100n]],
        [provider(3), 0n, [70n]],
      ])
      expect(await ledger.listProviders(1)).toEqual({ count: 3, shown: shown.slice(0, 1) })
      expect(await ledger.countProviders()).toBe(2)
    })

    it('finds what presses among what does not: where a channel is left or protested, then the largest', async () => {
      const left = { ...openChannel(2, 400n), exitAt: 9_000 }
      const all = [1, 3, 4].map((n) => openChannel(n, 400n))
      await ledger.applyChain(block(2, { channels: [...all, openChannel(2, 400n)] }))
      for (const n of [1, 2, 3, 4]) await grant(n, 1, 300n)
      await credit(1, [
        [1, 200n],
        [2, 1n],
        [3, 9n],
        [4, 2n],
      ])
      const protest = {
        ...{ channelId: channelId(4), provider: provider(7) },
        ...{ drawn: wei(0n), protested: wei(5n), protestEndsAt: 8_000 },
      }
      await ledger.applyChain(block(3, { channels: [left], tabs: [protest] }))
      const channels = async (most: number) => (await ledger.pressing(most)).map((each) => each.channelId)
      expect((await channels(0)).sort()).toEqual([channelId(2), channelId(4)])
      expect((await channels(1)).sort()).toEqual([1, 2, 4].map(channelId))
      expect(await ledger.protests()).toEqual([{ channelId: channelId(4), provider: provider(7) }])
      expect(await ledger.tally()).toMatchObject({
        ...{ owed: 208n, undrawn: 212n, urgent: true },
        ...{ channels: 4, collateral: 1_600n, promised: 208n },
      })
      // An empty channel gives nothing: what is held on it is asked for by its consumer, and drawn by nobody.
      await ledger.applyChain(block(4, { channels: [openChannel(1, 0n), openChannel(3, 4n)] }))
      expect((await channels(9)).sort()).toEqual([2, 3, 4].map(channelId))
      expect(await ledger.undrawn(channelId(1))).toMatchObject([{ amount: 200n }])
      expect(await ledger.tally()).toMatchObject({ undrawn: 7n, collateral: 804n })
      expect(await ledger.problem()).toBeUndefined()
    })

    it('credits each promise once, net of the fee', async () => {
      await grant(1, 1, 400n)
      const first = await credit(1, [[1, 100n]])
      expect(first).toMatchObject({
        ok: true,
        credited: { total: 98n, signature: signatureOf(98), refused: [] },
      })
      expect(await credit(1, [[1, 100n]])).toEqual(first)
      expect(await credit(1, [[1, 300n]])).toMatchObject({ credited: { total: 294n } })
    })

    it('takes the good promises of a batch and names the others', async () => {
      await grant(1, 1, 400n)
      expect(
        await credit(1, [
          [2, 10n],
          [1, 100n],
          [3, 10n],
          [1, 50n],
        ]),
      ).toMatchObject({
        credited: {
          total: 98n,
          refused: [
            { channelId: channelId(2), verdict: { refusal: { code: 'no-guarantee' } } },
            { channelId: channelId(3), verdict: { refusal: { code: 'unknown-channel' } } },
            { channelId: channelId(1), verdict: { refusal: { code: 'below-accepted' } } },
          ],
        },
      })
    })

    it('promises nothing beyond the pool, but keeps what it would draw', async () => {
      await ledger.applyChain(
        block(2, { hub: { balance: wei(97n), pendingWithdrawal: wei(0n), feeBps: 200 } }),
      )
      await grant(1, 1, 400n)
      expect(await credit(1, [[1, 100n]])).toMatchObject({ ok: false, refusal: { code: 'pool-exhausted' } })
      expect(tabOf((await ledger.channel(channelId(1))) as ChannelLine, provider(1)).cleared).toBe(0n)
      expect(await ledger.undrawn()).toMatchObject([{ amount: 100n, drawn: 0n, signature: signatureOf(100) }])
      // Once drawn, no pool is needed.
      await ledger.applyChain(
        block(3, {
          hub: { balance: wei(2n), pendingWithdrawal: wei(0n), feeBps: 200 },
          channels: [openChannel(1, 400n)],
          tabs: [
            {
              channelId: channelId(1),
              provider: provider(1),
              drawn: wei(100n),
              protested: wei(0n),
              protestEndsAt: 0,
            },
          ],
          accounts: [{ provider: provider(1), credited: wei(98n), paid: wei(0n) }],
        }),
      )
      expect(await credit(1, [[1, 100n]])).toMatchObject({ ok: true, credited: { total: 98n } })
      expect(await ledger.undrawn()).toEqual([])
    })

    it('credits what a provider drew before clearing it, once', async () => {
      await grant(1, 1, 400n)
      const drawn = block(2, {
        tabs: [
          {
            channelId: channelId(1),
            provider: provider(1),
            drawn: wei(50n),
            protested: wei(0n),
            protestEndsAt: 0,
          },
        ],
        accounts: [{ provider: provider(1), credited: wei(49n), paid: wei(0n) }],
      })
      await ledger.applyChain(drawn)
      await ledger.applyChain(drawn)
      expect(await ledger.accounts()).toMatchObject([{ total: 49n, credited: 49n }])
      expect(await credit(1, [[1, 100n]])).toMatchObject({ credited: { total: 98n } })
    })

    it('lowers no total when the chain takes something back', async () => {
      await grant(1, 1, 400n)
      await credit(1, [[1, 100n]])
      await ledger.applyChain(
        block(2, {
          tabs: [
            {
              channelId: channelId(1),
              provider: provider(1),
              drawn: wei(100n),
              protested: wei(0n),
              protestEndsAt: 0,
            },
          ],
        }),
      )
      await ledger.applyChain(
        block(2, {
          tabs: [
            {
              channelId: channelId(1),
              provider: provider(1),
              drawn: wei(0n),
              protested: wei(0n),
              protestEndsAt: 0,
            },
          ],
        }),
      )
      expect(await credit(1, [])).toMatchObject({ credited: { total: 98n } })
      expect(await ledger.undrawn()).toHaveLength(1)
    })

    it('records the guarantees it renews', async () => {
      await grant(1, 1, 400n, 1_004)
      await credit(1, [[1, 1n]], guarantee(1, 1, 400n, 8_000))
      await ledger.applyChain(block(500))
      expect(tabOf((await ledger.channel(channelId(1))) as ChannelLine, provider(1))).toMatchObject({
        liveCeiling: 400n,
        expiresAt: 8_000,
      })
    })

    it('signs one final state of a channel, and afterwards guarantees and clears nothing on it', async () => {
      await grant(1, 1, 400n, 1_004)
      await credit(1, [[1, 10n]])
      await ledger.applyChain(block(50))
      const order = {
        channelId: channelId(1),
        decide: (line: ChannelLine) => judgeFinal(line, [{ provider: provider(1), amount: wei(10n) }], []),
        sign: () => closing(1),
      }
      expect(await ledger.recordClosing(order)).toEqual({ ok: true, closing: closing(1) })
      expect(await ledger.recordClosing(order)).toMatchObject({ refusal: { code: 'channel-closing' } })
      expect(await ledger.closing(channelId(1))).toEqual(closing(1))
      expect(await ledger.openClosings()).toEqual([{ ...closing(1), consumer, nonce: 1 }])
      expect(await grant(1, 1, 20n)).toMatchObject({ refusal: { code: 'channel-closing' } })
      expect(await credit(1, [[1, 11n]])).toMatchObject({
        credited: { refused: [{ verdict: { refusal: { code: 'channel-closing' } } }] },
      })
      await ledger.applyChain(block(51, { channels: [openChannel(1, 0n, 'closed')] }))
      expect(await ledger.openClosings()).toEqual([])
      // A reorganisation opens it again.
      await ledger.applyChain(block(52, { channels: [openChannel(1, 500n)] }))
      expect(await ledger.openClosings()).toHaveLength(1)
    })

    it('counts what was paid for a session once, and takes the newest word on it', async () => {
      await grant(1, 1, 400n)
      await credit(1, [[1, 300n]])
      const record = (
        amount: bigint,
        throughputKbps: number,
        score: number,
        endedAt: number,
        channel = 1,
      ) => {
        const receipt = {
          provider: provider(1),
          channelId: channelId(channel),
          amount: wei(amount),
          bytes: 5_000_000,
          throughputKbps,
          score,
          endedAt: unixSeconds(endedAt),
          signature: signatureOf(amount),
        }
        return ledger.recordReceipt({
          receipt,
          decide: (line) => judgeReceipt(line, receipt, consumer, unixSeconds(1_000)),
        })
      }
      expect(await ledger.qualities()).toEqual([])
      expect(await record(100n, 80, 0, 10)).toEqual({ ok: true, counted: 100n })
      expect(await record(100n, 80, 0, 10)).toMatchObject({ refusal: { code: 'superseded-receipt' } })
      expect(await record(300n, 20, 5, 20)).toEqual({ ok: true, counted: 200n })
      expect(await record(200n, 1, 1, 30)).toMatchObject({ refusal: { code: 'superseded-receipt' } })
      expect(await record(301n, 1, 1, 30)).toMatchObject({
        refusal: { code: 'uncovered-receipt', cleared: 300n },
      })
      expect(await record(1n, 1, 1, 30, 3)).toMatchObject({ refusal: { code: 'unknown-channel' } })
      expect(await record(300n, 20, 4, 40)).toEqual({ ok: true, counted: 0n })
      await ledger.close()
      ledger = await open()
      expect(await ledger.qualities()).toEqual([
        {
          provider: provider(1),
          sessions: 2,
          paid: 300n,
          throughputSum: 100n * 80n + 200n * 20n,
          ratedPaid: 200n,
          scoreSum: 200n * 4n,
        },
      ])
    })

    it('keeps what was published of what it owes, and finds it by root and block', async () => {
      const publication = (n: number) => ({
        liabilities: {
          hub,
          root: channelId(7 + (n % 2)),
          sum: wei(10n ** 25n),
          pool: wei(5n),
          blockNumber: n,
          signature: signatureOf(n),
        },
        leaves: [{ provider: provider(1), total: wei(2n * 10n ** 25n), outstanding: wei(10n ** 25n) }],
        publishedAt: 1_000 + n,
      })
      expect(await ledger.publication()).toBe(undefined)
      for (let n = 1; n <= 60; n++) await ledger.recordPublication(publication(n))
      await ledger.close()
      ledger = await open()
      expect(await ledger.publication()).toEqual(publication(60))
      expect(await ledger.publication({ root: channelId(7), blockNumber: 58 })).toEqual(publication(58))
      expect(await ledger.publication({ root: channelId(7), blockNumber: 57 })).toBe(undefined)
      // Nobody asks for very old ones.
      expect(await ledger.publication({ root: channelId(8), blockNumber: 1 })).toBe(undefined)
    })

    it('learns what it had promised before it knew, and promises none of it twice', async () => {
      await grant(1, 1, 400n)
      await credit(1, [[1, 100n]])
      expect(await ledger.raiseTotal({ provider: provider(1), total: wei(50n) })).toBe(0n)
      expect(
        await ledger.raiseTotal({ provider: provider(1), total: wei(196n), signature: signatureOf(196) }),
      ).toBe(98n)
      expect(await ledger.raiseTotal({ provider: provider(1), total: wei(196n) })).toBe(0n)
      await ledger.close()
      ledger = await open()
      // Half of what is new to it explains the total, then all of it; only what is beyond comes on top.
      expect(await credit(1, [[1, 150n]])).toMatchObject({ credited: { total: 196n } })
      expect(await credit(1, [[1, 200n]])).toMatchObject({ credited: { total: 196n } })
      expect(await credit(1, [[1, 300n]])).toMatchObject({ credited: { total: 294n } })
      expect(await ledger.raiseTotal({ provider: provider(2), total: wei(7n) })).toBe(7n)
      expect((await ledger.accounts()).map(({ total }) => total)).toEqual([294n, 7n])
    })

    it('takes back what it had cleared though its channels cannot stand for it any more, once', async () => {
      await ledger.recallGuarantee({ cause: channelId(901), guarantee: guarantee(1, 1, 400n, 900) })
      await ledger.recallGuarantee({ cause: channelId(902), guarantee: guarantee(2, 1, 400n, 900) })
      await ledger.applyChain(
        block(2, {
          channels: [{ ...openChannel(1, 500n), exitAt: 9_999 }, openChannel(2, 10n), openChannel(3, 500n)],
        }),
      )
      await grant(3, 1, 400n)
      await ledger.raiseTotal({ provider: provider(1), total: wei(490n) })
      const shown: [number, bigint][] = [
        [1, 300n],
        [2, 200n],
      ]
      // What it never cleared on them explains nothing.
      expect(await credit(1, shown)).toMatchObject({ credited: { total: 490n, refused: [{}, {}] } })
      const recall = () =>
        ledger.recallCleared({
          provider: provider(1),
          promises: [...shown, [9, 50n] as const].map(([channel, amount]) => ({
            channelId: channelId(channel),
            amount: wei(amount),
            signature: signatureOf(amount),
          })),
        })
      expect(await recall()).toBe(2)
      expect(await recall()).toBe(0)
      for (let times = 0; times < 2; times++)
        expect(await credit(1, [[3, 100n], ...shown])).toMatchObject({
          credited: { total: 588n, refused: [] },
        })
      expect(await credit(1, [[1, 301n]])).toMatchObject({ credited: { total: 588n, refused: [{}] } })
      const undrawn = await ledger.undrawn()
      expect(undrawn.map(({ channelId: id }) => id).sort()).toEqual([channelId(1), channelId(3)])
      expect(await ledger.problem()).toBeUndefined()
    })

    it('learns from the chain what it had promised, once', async () => {
      await grant(1, 1, 400n)
      await ledger.raiseTotal({ provider: provider(1), total: wei(98n) })
      await ledger.applyChain(
        block(2, {
          tabs: [
            {
              channelId: channelId(1),
              provider: provider(1),
              drawn: wei(200n),
              protested: wei(0n),
              protestEndsAt: 0,
            },
          ],
        }),
      )
      expect(await ledger.accounts()).toMatchObject([{ total: 196n }])
    })

    it('reserves for a guarantee that it had forgotten, even beyond the balance', async () => {
      await grant(1, 1, 400n, 3_000)
      const recall = (to: number, ceiling: bigint, expiresAt: number) =>
        ledger.recallGuarantee({ cause: channelId(9_999), guarantee: guarantee(1, to, ceiling, expiresAt) })
      expect(await recall(1, 400n, 3_000)).toBe(false)
      expect(await recall(2, 300n, 4_000)).toBe(true)
      expect(await recall(2, 300n, 4_000)).toBe(false)
      const line = (await ledger.channel(channelId(1))) as ChannelLine
      expect(reservedBy(line.tabs)).toBe(700n)
      expect((await grant(1, 1, 401n)).ok).toBe(false)
      expect(await credit(2, [[1, 300n]])).toMatchObject({ credited: { total: 294n, refused: [] } })
    })

    it('reserves for a guarantee that lives again when the chain goes back in time', async () => {
      const at = (number: number, time: number) =>
        block(number, { cursor: { number, hash: signatureOf(number), at: time } })
      await ledger.applyChain(at(5, 1_600))
      await ledger.recallGuarantee({ cause: channelId(900), guarantee: guarantee(1, 1, 400n, 1_500) })
      expect(await grant(1, 2, 600n)).toMatchObject({ refusal: { available: 500n } })
      await ledger.applyChain(at(6, 1_400))
      expect(await grant(1, 2, 500n)).toMatchObject({ refusal: { available: 100n } })
    })

    it('knows what it relayed', async () => {
      const entry = { digest: channelId(9), identity: consumer, transaction: channelId(10), at: 100 }
      await ledger.recordRelayed(entry)
      await ledger.recordRelayed({ ...entry, at: 200 })
      expect(await ledger.relayed(channelId(9))).toEqual(entry)
    })

    it('counts what is to be relayed by identity, by origin and in all, each once and for a while', async () => {
      const count = async (n: number, at: number, who = consumer, origin = 1) => {
        const seen: RelayJobCounts[] = []
        const verdict = await ledger.countRelayJob({
          digest: channelId(n),
          identity: who,
          origin: channelId(origin),
          at,
          since: at - 100,
          decide(counts) {
            seen.push(counts)
            return counts.inAll < 3 ? { ok: true } : refuse({ code: 'relay-limit', perDay: 3 })
          },
        })
        return verdict.ok ? seen[0] : 'refused'
      }
      const underWayOf = async (who: Address, at: number) => {
        let underWay: number | undefined
        await ledger.countRelayJob({
          ...{ digest: channelId(99), identity: who, origin: channelId(1), at, since: 0 },
          decide(counts) {
            underWay = counts.underWay
            return refuse({ code: 'relay-limit', perDay: 0 })
          },
        })
        return underWay
      }
      expect(await count(1, 1_000)).toEqual({ ofIdentity: 0, ofOrigin: 0, inAll: 0, underWay: 0 })
      expect(await count(1, 1_001)).toBe(undefined)
      expect(await count(2, 1_001, consumer, 2)).toEqual({
        ofIdentity: 1,
        ofOrigin: 0,
        inAll: 1,
        underWay: 1,
      })
      // What arrives at once is counted one after the other.
      const together = await Promise.all([3, 4, 5].map((n) => count(n, 1_002, provider(1), 2)))
      expect(together).toEqual([{ ofIdentity: 0, ofOrigin: 1, inAll: 2, underWay: 0 }, 'refused', 'refused'])
      expect(await count(1, 1_002)).toBe(undefined)
      // What is sent is under way until it is in a block, however long that takes.
      const row = {
        intent: channelId(3),
        call: { to: consumer, data: '0x', value: '0' },
        versions: [],
      } as const
      await ledger.outbox.add({ ...row, state: 'wanted', revision: 0 })
      expect(await underWayOf(provider(1), 1_080)).toBe(1)
      await ledger.outbox.put({ ...row, state: 'mined', revision: 1 })
      expect(await underWayOf(provider(1), 1_080)).toBe(0)
      await ledger.close()
      ledger = await open()
      expect(await count(6, 1_099)).toBe('refused')
      expect(await count(6, 1_101)).toEqual({ ofIdentity: 0, ofOrigin: 0, inAll: 1, underWay: 0 })
      expect(
        (await ledger.dump()).filter(({ table }) => table === 'relay_job').map(({ row }) => row.digest),
      ).toEqual([channelId(3), channelId(6)])
    })

    it('remembers whom its operator blocked, and since when', async () => {
      await ledger.block({ identity: consumer, since: 5 })
      await ledger.block({ identity: consumer, since: 9 })
      await ledger.block({ identity: provider(1), since: 7 })
      await ledger.close()
      ledger = await open()
      expect(await ledger.blocked()).toEqual([
        { identity: consumer, since: 5 },
        { identity: provider(1), since: 7 },
      ])
      expect([await ledger.unblock(consumer), await ledger.unblock(consumer)]).toEqual([true, false])
      expect(await ledger.blocked()).toEqual([{ identity: provider(1), since: 7 }])
    })

    it('keeps notes until they are taken away', async () => {
      expect(await ledger.note('leaving')).toBe(undefined)
      await ledger.writeNote('leaving', 'a')
      await ledger.writeNote('leaving', 'b')
      await ledger.close()
      ledger = await open()
      expect(await ledger.note('leaving')).toBe('b')
      await ledger.writeNote('leaving', undefined)
      expect(await ledger.note('leaving')).toBe(undefined)
    })

    it('has everything again after it was closed', async () => {
      await grant(1, 1, 400n)
      await credit(1, [[1, 10n ** 2n]])
      await ledger.close()
      ledger = await open()
      expect(await credit(1, [])).toMatchObject({ credited: { total: 98n, signature: signatureOf(98) } })
    })

    it('decides orders that arrive together as if one had come after the other', async () => {
      const granted = await Promise.all([1, 2, 3, 4, 5].map((to) => grant(1, to, 200n)))
      expect(granted.filter(({ ok }) => ok)).toHaveLength(2)
      const cause = ++causes
      const twice = await Promise.all([grant(2, 1, 50n, 5_000, cause), grant(2, 1, 60n, 6_000, cause)])
      expect(twice[1]).toEqual(twice[0])
      const totals = await Promise.all([10n, 20n, 20n, 30n].map((amount) => credit(1, [[2, amount]])))
      expect(totals).toMatchObject([
        { credited: { total: 10n } },
        { credited: { total: 20n } },
        { credited: { total: 20n } },
        { credited: { total: 30n } },
      ])
    })

    it('undoes what one order did when it fails, and nothing of the others', async () => {
      await Promise.all([grant(1, 1, 100n), grant(2, 2, 100n)])
      const broken = ledger.credit({
        provider: provider(1),
        promises: [{ channelId: channelId(1), amount: wei(50n), signature: signatureOf(1) }],
        decide: () => ({ ok: true, credit: wei(49n) }),
        solvent: judgeSolvency,
        sign: () => {
          throw new Error('no key')
        },
        renew: () => undefined,
        renewBefore: () => 0,
      })
      const [first, second] = await Promise.allSettled([broken, credit(2, [[2, 50n]])])
      expect(first).toMatchObject({ status: 'rejected', reason: new Error('no key') })
      expect(second).toMatchObject({ value: { credited: { total: 49n } } })
      expect((await ledger.accounts()).map(({ total }) => total)).toEqual([49n])
      expect(await ledger.problem()).toBe(undefined)
    })

    it('renews what rests on a guarantee that ends, also where nothing moved', async () => {
      await grant(1, 1, 400n, 2_000)
      await grant(2, 1, 200n, 4_000)
      await credit(1, [
        [1, 100n],
        [2, 100n],
      ])
      const asked: [Hex, boolean][] = []
      const order = {
        provider: provider(1),
        promises: [],
        decide: () => ({ ok: true as const, credit: wei(0n) }),
        solvent: judgeSolvency,
        sign: (total: bigint) => signatureOf(total),
        renew: (line: ChannelLine, moved: boolean) => {
          asked.push([line.channelId, moved])
          return { cause: channelId(7_777), guarantee: guarantee(1, 1, 400n, 9_000) }
        },
        renewBefore: () => 3_000,
      }
      expect(await ledger.credit(order)).toMatchObject({ credited: { guarantees: [{ expiresAt: 9_000 }] } })
      expect(asked).toEqual([[channelId(1), false]])
      await ledger.credit(order)
      expect(asked).toHaveLength(1)
    })

    it('keeps its sums right without adding up', async () => {
      const sums = async () => {
        const { owed, undrawn, urgent } = await ledger.tally()
        expect(await ledger.problem()).toBe(undefined)
        return [owed, undrawn, urgent]
      }
      await grant(1, 1, 400n, 1_004)
      await grant(2, 2, 200n, 1_004)
      await credit(1, [[1, 100n]])
      await credit(2, [[2, 50n]])
      expect(await sums()).toEqual([98n + 49n, 150n, false])
      await ledger.applyChain(
        block(2, {
          channels: [{ ...openChannel(1, 400n), exitAt: 9 }],
          tabs: [
            {
              channelId: channelId(1),
              provider: provider(1),
              drawn: wei(60n),
              protested: wei(0n),
              protestEndsAt: 0,
            },
          ],
          accounts: [{ provider: provider(1), credited: wei(58n), paid: wei(0n) }],
        }),
      )
      expect(await sums()).toEqual([40n + 49n, 90n, true])
      await ledger.applyChain(block(50, { channels: [openChannel(1, 0n, 'closed')] }))
      expect(await sums()).toEqual([40n + 49n, 50n, false])
      await ledger.recordClosing({
        channelId: channelId(2),
        decide: () => ({ ok: true }),
        sign: () => closing(2),
      })
      expect(await sums()).toEqual([40n + 49n, 0n, false])
    })

    it('never lets claims exceed a balance or a total fall, whatever comes in whatever order from whichever process', async () => {
      const step = fc.record({
        act: fc.constantFrom('grant', 'clear', 'block', 'draw'),
        by: fc.constantFrom('one', 'other'),
        channel: fc.integer({ min: 1, max: 2 }),
        to: fc.integer({ min: 1, max: 3 }),
        amount: fc.bigInt(0n, 600n),
      })
      let number = 10
      const totals = new Map<number, bigint>()
      const processes = { one: ledger, other: await open() }
      const inOrder = ({ tabs, ...line }: ChannelLine) => ({
        ...line,
        tabs: tabs.toSorted((a, b) => (a.provider < b.provider ? -1 : 1)),
      })
      const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        for (const { act, by, channel, to, amount } of steps) {
          ledger = processes[by]
          const line = (await ledger.channel(channelId(channel))) as ChannelLine
          const tab = tabOf(line, provider(to))
          // What is read while a transaction is under way must not outlive it.
          const look = () => [1, 2].map((each) => ledger.channel(channelId(each)))
          const looks = look()
          if (act === 'grant') {
            let shown: ChannelLine | undefined
            await grant(channel, to, amount, 1_000 + number + Number(amount % 5n), ++causes, (each) => {
              shown = each
              looks.push(...look())
            })
            // What is decided on is what is in the store, whoever wrote it.
            expect(shown && inOrder(shown)).toEqual(inOrder(line))
          }
          if (act === 'clear') {
            const outcome = await credit(to, [[channel, amount]])
            if (outcome.ok) {
              expect(outcome.credited.total).toBeGreaterThanOrEqual(totals.get(to) ?? 0n)
              totals.set(to, outcome.credited.total)
            }
          }
          if (act === 'block') await ledger.applyChain(block(++number))
          if (act === 'draw' && tab.cleared > tab.drawn)
            await ledger.applyChain(
              block(++number, {
                channels: [openChannel(channel, line.balance - tab.cleared + tab.drawn)],
                tabs: [
                  {
                    channelId: channelId(channel),
                    provider: provider(to),
                    drawn: tab.cleared,
                    protested: wei(0n),
                    protestEndsAt: 0,
                  },
                ],
              }),
            )
          await Promise.all(looks)
          expect(await ledger.problem()).toBe(undefined)
          for (const each of await ledger.openChannels())
            expect(reservedBy(each.tabs)).toBeLessThanOrEqual(each.balance)
        }
      })
      try {
        await fc.assert(property, { numRuns: 25 })
      } finally {
        ledger = processes.one
        await processes.other.close()
      }
    }, 180_000)
  })
}
