import { type Address, address, type Hex, netOf, wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChannelLine, emptyTab, type Tab } from './channelLine.js'
import { creditFor, isBacked, judgePromise } from './credit.js'

const provider = address(`0x${'1'.repeat(40)}`)
const consumer = address(`0x${'9'.repeat(40)}`)
const lineWith = (part: Partial<Tab>, more: Partial<ChannelLine> = {}): ChannelLine => ({
  channelId: `0x${'ab'.repeat(32)}` as Hex,
  consumer,
  nonce: 1,
  status: 'open',
  balance: wei(1_000n),
  exitAt: 0,
  closing: false,
  tabs: [{ ...emptyTab(provider), ...part }],
  ...more,
})
const guaranteed = { ceiling: wei(500n), liveCeiling: wei(500n), expiresAt: 1 }
const promise = (amount: bigint, signer: Address | undefined = consumer) => ({ amount: wei(amount), signer })
const judge = (line: ChannelLine, offered: ReturnType<typeof promise>, feeBps = 200) =>
  judgePromise(line, provider, offered, feeBps)

describe('a promise handed in to be cleared', () => {
  it('adds its net above what was cleared', () => {
    expect(judge(lineWith({ ...guaranteed, cleared: wei(100n) }), promise(300n))).toEqual({
      ok: true,
      credit: 196n,
    })
  })

  it('adds nothing the second time', () => {
    expect(judge(lineWith({ ...guaranteed, cleared: wei(300n) }), promise(300n))).toEqual({
      ok: true,
      credit: 0n,
    })
  })

  it('is acknowledged again even when its channel is being closed', () => {
    expect(judge(lineWith({ cleared: wei(300n) }, { closing: true }), promise(300n)).ok).toBe(true)
  })

  it.each([
    ['below what is cleared', lineWith({ ...guaranteed, cleared: wei(9n) }), promise(8n), 'below-accepted'],
    ['above the ceiling', lineWith(guaranteed), promise(501n), 'over-ceiling'],
    ['without a guarantee ever', lineWith({}), promise(1n), 'no-guarantee'],
    ['signed by somebody else', lineWith(guaranteed), promise(1n, provider), 'wrong-signer'],
    ['on a channel being closed', lineWith(guaranteed, { closing: true }), promise(1n), 'channel-closing'],
    [
      'under an ended guarantee that the channel no longer fits',
      lineWith({ ceiling: wei(500n) }, { balance: wei(3n) }),
      promise(4n),
      'insufficient-collateral',
    ],
  ])('is refused when it is %s', (_name, line, offered, code) => {
    expect(judge(line, offered)).toMatchObject({ ok: false, refusal: { code } })
  })

  it('is refused when nobody can have signed it', () => {
    expect(
      judgePromise(lineWith(guaranteed), provider, { amount: wei(1n), signer: undefined }, 0),
    ).toMatchObject({
      refusal: { code: 'malformed-signature' },
    })
  })

  it('is taken under a guarantee that has ended while the channel still stands for it', () => {
    expect(judge(lineWith({ ceiling: wei(500n) }), promise(500n)).ok).toBe(true)
  })

  it('never brings credits above the net of the last total, however the totals are cut up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(0n, 10n ** 24n), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 2_000 }),
        (totals, feeBps) => {
          const rising = [...totals].sort((a, b) => (a < b ? -1 : 1))
          let before = wei(0n)
          let sum = 0n
          for (const total of rising) {
            const credit = creditFor(before, wei(total), feeBps)
            expect(credit).toBeGreaterThanOrEqual(0n)
            sum += credit
            before = wei(total)
          }
          expect(sum).toBe(netOf(before, feeBps))
        },
      ),
    )
  })
})

describe('a promise that was cleared and forgotten', () => {
  const ended = { ceiling: wei(500n), expiresAt: 1 }
  const others = { ...emptyTab(consumer), liveCeiling: wei(600n) }

  it.each([
    ['whose consumer is leaving', lineWith(ended, { exitAt: 9 })],
    ['under a guarantee that lives, whatever else it owes', lineWith(guaranteed, { balance: wei(3n) })],
  ])('is drawn from a channel %s', (_name, line) => {
    expect(isBacked(line, provider, wei(500n))).toBe(true)
  })

  it.each([
    [
      'whose rest belongs to others by now',
      lineWith(ended, { tabs: [{ ...emptyTab(provider), ...ended }, others] }),
    ],
    ['that is being closed', lineWith(guaranteed, { closing: true })],
    ['that was closed', lineWith(guaranteed, { status: 'closed' })],
  ])('is not drawn from a channel %s', (_name, line) => {
    expect(isBacked(line, provider, wei(500n))).toBe(false)
  })
})
