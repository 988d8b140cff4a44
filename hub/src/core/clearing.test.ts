import { type Address, address, type Hex, netOf, type Signed, wei } from '@pontage/shared'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ChannelLine, emptyTab } from './channelLine.js'
import {
  type ClearingRows,
  type HeldTab,
  raiseCleared,
  recallCleared,
  type SignedAccount,
} from './clearing.js'
import { learnTotal } from './credit.js'

const provider = address(`0x${'1'.repeat(40)}`)
const consumer = address(`0x${'9'.repeat(40)}`)
const idOf = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const feeBps = 200
const net = (amount: bigint) => netOf(wei(amount), feeBps)
const most = (...amounts: bigint[]) => amounts.reduce((a, b) => (a > b ? a : b), 0n)
const sum = (amounts: bigint[]) => amounts.reduce((a, b) => a + b, 0n)

/** Rows of one provider on some channels, all being left, of which so much is known to be cleared. */
function rowsWith(cleared: readonly bigint[]): ClearingRows & { account(): SignedAccount } {
  const tabs = cleared.map(
    (amount): HeldTab => ({
      ...emptyTab(provider),
      cleared: wei(amount),
      held: wei(0n),
      heldSignature: null,
    }),
  )
  let account: SignedAccount = {
    ...{ provider, credited: wei(0n), paid: wei(0n), unexplained: wei(0n), signedTotal: wei(0n) },
    ...{ total: wei(sum(cleared.map(net))), signature: null },
  }
  const none = { balance: wei(0n), pendingWithdrawal: wei(0n), feeBps }
  const lineOf = (channelId: Hex): ChannelLine => ({
    ...{ channelId, consumer, nonce: 1, status: 'open', balance: wei(10n ** 9n), exitAt: 9, closing: false },
    tabs: [tabs[Number(channelId)] ?? emptyTab(provider)],
  })
  return {
    ...{ standing: none, blockAt: 1, sums: { owed: wei(0n) }, channel: lineOf, knows: () => true },
    tab: (channelId) => tabs[Number(channelId)] as HeldTab,
    changeTab: (channelId, _provider: Address, change) => {
      tabs[Number(channelId)] = { ...(tabs[Number(channelId)] as HeldTab), ...change }
    },
    account: () => account,
    putAccount: (changed) => {
      account = changed
    },
    guarantee: (): Signed<'Guarantee'> | undefined => undefined,
    putGuarantee: () => {},
    attempt: (work) => work(),
  }
}

const amount = fc.bigInt(0n, 1_000n)
/** What an older ledger knows of a tab, what the hub cleared on it at first and in the end, and what was drawn by now. */
const history = fc.tuple(amount, amount, amount, amount).map(([known, more, evenMore, drawn]) => ({
  known,
  once: known + more,
  cleared: known + more + evenMore,
  drawn,
}))

it('never owes more than was cleared and drawn, whatever it is shown in what order, and all of it when all is shown', () => {
  fc.assert(
    fc.property(
      fc.array(history, { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.constantFrom('total', 'once', 'cleared', 'drawn'), fc.nat(3)), { maxLength: 20 }),
      (tabs, shown) => {
        const rows = rowsWith(tabs.map(({ known }) => known))
        const signed = wei(sum(tabs.map(({ cleared }) => net(cleared))))
        const due = sum(tabs.map(({ cleared, drawn }) => net(most(cleared, drawn))))
        const show = (what: string, index: number) => {
          const tab = tabs[index % tabs.length]
          const channelId = idOf(index % tabs.length)
          const before = rows.account().total
          if (!tab) return
          if (what === 'total') rows.putAccount({ ...rows.account(), ...learnTotal(rows.account(), signed) })
          else if (what === 'drawn') raiseCleared(rows, channelId, provider, wei(tab.drawn), feeBps)
          else {
            const cleared = wei(what === 'once' ? tab.once : tab.cleared)
            recallCleared(rows, provider, { channelId, amount: cleared, signature: '0x' })
          }
          expect(rows.account().total).toBeGreaterThanOrEqual(before)
          expect(rows.account().total).toBeLessThanOrEqual(due)
        }
        for (const [what, index] of shown) show(what, index)
        for (const [index] of tabs.entries())
          for (const what of ['drawn', 'total', 'cleared']) show(what, index)
        expect(rows.account()).toMatchObject({ total: due, unexplained: 0n })
      },
    ),
  )
})
