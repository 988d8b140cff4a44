import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { address, type Deployment, type Hex, systemClock, type Wei, wei } from '@pontage/shared'
import {
  createIdentity,
  createLog,
  createTypedData,
  decodePromise,
  encodeAccepted,
  type Link,
  PrivateKey,
} from '@pontage/shared/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCalendar } from '../../io/calendar.js'
import { type Journal, openJournal } from '../../io/home/journal.js'
import { createPayer } from './pay.js'

const at = (byte: string) => address(`0x${byte.repeat(20)}`)
const deployment: Deployment = {
  chainId: 31_337,
  token: at('01'),
  registry: at('02'),
  channels: at('03'),
  marketplace: at('04'),
  fromBlock: 0,
}
const channelId: Hex = `0x${'c1'.repeat(32)}`
const provider = at('a1')
const identity = createIdentity(new PrivateKey('11'.repeat(32)))
const typedData = createTypedData(deployment)

let home = ''
let journal: Journal
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-pay-'))
  journal = await openJournal(home)
})
afterEach(async () => {
  await journal.close()
  await rm(home, { recursive: true, force: true })
})

/** A payer, and what leaves it with what stands on the disk at that moment. */
function payer() {
  const left: { amount: Wei; signer: string | undefined; onDisk: boolean }[] = []
  const accepted: { amount: Wei; isMeasured: boolean }[] = []
  const log = createLog('test', 'error')
  const calendar = createCalendar(systemClock)
  const context = { home, identity, typedData, clock: systemClock, calendar, log }
  const paying = createPayer(context, journal, { channelId, provider }, (amount, latencyMs) =>
    accepted.push({ amount, isMeasured: latencyMs !== undefined }),
  )
  const sendFrame = (frame: Buffer) => {
    const promise = decodePromise(frame)
    if (!promise) throw new Error('no promise')
    const { amount, signature } = promise
    left.push({
      amount,
      signer: typedData.recover('MicroPromise', { channelId, provider, amount }, signature),
      onDisk: readFileSync(join(home, 'journal.jsonl'), 'utf8').includes(`"amount":"${amount}"`),
    })
  }
  paying.use({ sendFrame } as Link)
  return { paying, left, accepted }
}

describe('paying', () => {
  it('has the total on the disk before its signature leaves', async () => {
    const { paying, left } = payer()
    for (const amount of [40n, 80n, 80n]) await paying.pay(wei(amount))
    const signer = identity.address
    expect(left).toEqual([40n, 80n, 80n].map((amount) => ({ amount, signer, onDisk: true })))
  })

  it('signs nothing below what it signed before', async () => {
    const { paying, left } = payer()
    await paying.pay(wei(80n))
    await expect(paying.pay(wei(79n))).rejects.toThrow(RangeError)
    expect(left).toHaveLength(1)
  })

  it('signs nothing on a channel that is being closed', async () => {
    const { paying, left } = payer()
    await journal.record({ kind: 'closing', channelId, totals: [] })
    await expect(paying.pay(wei(1n))).rejects.toThrow(/closing/)
    expect(left).toEqual([])
  })

  it('signs nothing when the disk refuses', async () => {
    const { paying, left } = payer()
    await journal.close()
    await expect(paying.pay(wei(1n))).rejects.toThrow(/cannot be written/)
    await expect(paying.pay(wei(2n))).rejects.toThrow(/cannot be written/)
    expect(left).toEqual([])
    journal = await openJournal(home)
  })

  it('takes confirmations, and measures the first for what waited', async () => {
    const { paying, accepted } = payer()
    await paying.pay(wei(40n))
    expect(paying.receive(encodeAccepted(wei(40n)))).toBeUndefined()
    expect(paying.receive(encodeAccepted(wei(40n)))).toBeUndefined()
    expect(accepted).toEqual([
      { amount: 40n, isMeasured: true },
      { amount: 40n, isMeasured: false },
    ])
    expect(paying.receive(Buffer.from([9, 9]))?.code).toBe('malformed-frame')
  })
})
