import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, type Deployment, type Hex, unixSeconds, wei } from '@pontage/shared'
import { createIdentity, createLog, createTypedData, type Link, PrivateKey } from '@pontage/shared/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Journal, openJournal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import { deliverReceipts } from './deliverReceipts.js'
import { learnTotals, refuseContested } from './recoverTotals.js'

const at = (byte: string) => address(`0x${byte.repeat(20)}`)
const deployment: Deployment = {
  ...{ chainId: 31_337, token: at('01'), registry: at('02'), channels: at('03'), marketplace: at('04') },
  fromBlock: 0,
}
const channelId: Hex = `0x${'c1'.repeat(32)}`
const provider = at('a1')
const identity = createIdentity(new PrivateKey('11'.repeat(32)))
const stranger = createIdentity(new PrivateKey('22'.repeat(32)))
const typedData = createTypedData(deployment)
const log = createLog('test', 'error')
const chain = { tokenDecimals: 0, tokenSymbol: 'T' }
const context = { identity, typedData, log, chain } as unknown as Context

let home = ''
let journal: Journal
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-totals-'))
  journal = await openJournal(home)
})
afterEach(async () => {
  await journal.close()
  await rm(home, { recursive: true, force: true })
})

const promise = (amount: bigint, signer = identity, who = provider) =>
  typedData.signed('MicroPromise', { channelId, provider: who, amount: wei(amount) }, signer.privateKey)
const show = (...promises: ReturnType<typeof promise>[]) =>
  learnTotals(context, journal, { channelId, shownBy: 'Provider X' }, promises)

describe('promises that others show', () => {
  it('teach a journal that was lost what it forgot', async () => {
    expect(await show(promise(40n), promise(7n, identity, at('a2')), promise(30n))).toBe(2)
    expect(journal.trail().total(channelId, provider)).toBe(40n)
    expect(journal.trail().total(channelId, at('a2'))).toBe(7n)
    expect(await show(promise(40n))).toBe(0)
  })

  it('are nothing without our own signature', async () => {
    await expect(show(promise(40n, stranger))).rejects.toThrow(/signed by/)
    expect(journal.trail().total(channelId, provider)).toBe(0n)
  })

  it('betray a second device to a journal that was not lost, and nothing is signed until the user says so', async () => {
    await journal.record({ kind: 'total', channelId, provider, amount: wei(10n) })
    expect(await show(promise(10n))).toBe(0)
    await expect(show(promise(11n))).rejects.toThrow(/another device signs with the same key/)
    expect(() => refuseContested(journal, channelId)).toThrow(/nothing more is signed/)
    await journal.close()
    journal = await openJournal(home)
    expect(() => refuseContested(journal, channelId)).toThrow(/nothing more is signed/)
    await journal.record({ kind: 'doubt', channelId })
    refuseContested(journal, channelId)
    expect(await show(promise(11n))).toBe(1)
    expect(journal.trail().total(channelId, provider)).toBe(11n)
  })
})

describe('receipts', () => {
  it('are sent until the hub counted them, those it cannot count yet again', async () => {
    for (const amount of [1n, 2n, 3n]) {
      const signed = typedData.signed(
        'SessionReceipt',
        {
          provider,
          channelId,
          amount: wei(amount),
          bytes: 1,
          throughputKbps: 1,
          score: 0,
          endedAt: unixSeconds(Number(amount)),
        },
        identity.privateKey,
      )
      const more = { downBytes: 1, upBytes: 0, promises: 1, seconds: 1, spent: wei(1n), reason: 'user' }
      await journal.record({ kind: 'receipt', receipt: { ...signed, ...more } })
    }
    const asked: bigint[][] = []
    const link = {
      request: async (
        _type: string,
        { receipts }: { receipts: { amount: bigint; downBytes?: number }[] },
      ) => {
        asked.push(receipts.map(({ amount }) => amount))
        expect(receipts.every(({ downBytes }) => downBytes === undefined)).toBe(true)
        const refused = [
          { index: 0, code: 'superseded-receipt', message: '' },
          { index: receipts.length - 1, code: 'uncovered-receipt', message: '' },
        ]
        return { ok: true, value: { counted: 0n, refused: asked.length === 1 ? refused : [] } }
      },
    } as unknown as Link
    expect(await deliverReceipts({ log }, journal, channelId, link)).toBe(2)
    expect(await deliverReceipts({ log }, journal, channelId, link)).toBe(1)
    expect(await deliverReceipts({ log }, journal, channelId, link)).toBe(0)
    expect(asked).toEqual([[1n, 2n, 3n], [3n]])
  })
})
