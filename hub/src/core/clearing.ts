import {
  type Address,
  type Hex,
  larger,
  type Refused,
  refuse,
  type Signed,
  type Verdict,
  type Wei,
  wei,
} from '@pontage/shared'
import type { ChannelLine, Tab } from './channelLine.js'
import { addCredit, creditFor, isBacked, type Promised } from './credit.js'
import type { Account, Pool } from './solvency.js'

/** A tab with the highest micro-promise that the hub holds on it. */
export interface HeldTab extends Tab {
  readonly held: Wei
  readonly heldSignature: Hex | null
}

/** A hub's account with one provider, and the last total it signed. */
export interface SignedAccount extends Account, Promised {
  readonly signedTotal: Wei
  readonly signature: Hex | null
}

/** The rows that clearing decides on and changes. Wherever they are kept, all changes of one decision are kept together. */
export interface ClearingRows {
  /** The hub's standing on the block that decisions are made on, and the time of that block. */
  readonly standing: Pool & { readonly feeBps: number }
  readonly blockAt: number
  /** What the hub would have to advance if every provider redeemed now. */
  readonly sums: { readonly owed: Wei }
  channel(channelId: Hex): ChannelLine | undefined
  tab(channelId: Hex, provider: Address): HeldTab
  changeTab(channelId: Hex, provider: Address, change: Partial<HeldTab>): void
  account(provider: Address): SignedAccount
  /** Whether the hub ever promised this provider anything. */
  knows(provider: Address): boolean
  putAccount(account: SignedAccount): void
  /** The guarantee given for this cause before. */
  guarantee(cause: Hex): Signed<'Guarantee'> | undefined
  putGuarantee(cause: Hex, guarantee: Signed<'Guarantee'>): void
  /** Does something in full, or leaves no trace of it when it throws. */
  attempt<Result>(work: () => Result): Result
}

/** A guarantee about to be given. */
export interface GrantOrder {
  /** Digest of the request that asks for it: the same request is answered with the same guarantee. */
  readonly cause: Hex
  readonly channelId: Hex
  readonly provider: Address
  readonly decide: (line: ChannelLine) => Verdict
  readonly sign: () => Signed<'Guarantee'>
}

/** A micro-promise as a provider hands it in. */
export interface HeldPromise {
  readonly channelId: Hex
  readonly amount: Wei
  readonly signature: Hex
}

/** A guarantee given without being asked for, and what it is remembered by. */
export interface Renewal {
  readonly cause: Hex
  readonly guarantee: Signed<'Guarantee'>
}

/** What counts for a new guarantee beside its channel, as of the moment it is decided. */
export interface RenewedAt {
  /** Time of the block that decisions are made on. */
  readonly blockAt: number
  /** Whether the hub is being wound down. */
  readonly leaving: boolean
  readonly blocked: ReadonlySet<Address>
}

/** A batch of micro-promises about to be credited to one provider. */
export interface CreditOrder {
  readonly provider: Address
  readonly promises: readonly HeldPromise[]
  readonly decide: (line: ChannelLine, promise: HeldPromise, feeBps: number) => Verdict<{ credit: Wei }>
  /** @param owed - What the hub would have to advance if every provider redeemed now, this credit included. */
  readonly solvent: (owed: Wei, pool: Pool) => Verdict
  readonly sign: (total: Wei) => Hex
  /** Whether they were looked at a moment ago, and only held since the pool was short: what was drawn since adds nothing. */
  readonly wereHeld?: boolean
  /** Gives the guarantee that follows a tab's present one, or undefined while none is needed. */
  readonly renew: (line: ChannelLine, moved: boolean, now: RenewedAt) => Renewal | undefined
  /**
   * Guarantees that end before it are shown to `renew` also where nothing moved, if something cleared rests on them.
   *
   * @param blockAt - Time of the block that decisions are made on.
   */
  readonly renewBefore: (blockAt: number) => number
}

/** What a batch came to. */
export interface Credited {
  readonly total: Wei
  readonly signature: Hex
  readonly guarantees: readonly Signed<'Guarantee'>[]
  readonly refused: readonly { readonly channelId: Hex; readonly verdict: Verdict }[]
}

/** Guarantees of one tab that may live at once, each larger or longer than any other: nobody honest needs so many. */
const maxGuarantees = 32

/**
 * Guarantees once for each cause.
 *
 * @param kept - Guarantees of the tab that live already and none of which covers another.
 */
export function grant(
  rows: ClearingRows,
  { cause, channelId, provider, decide, sign }: GrantOrder,
  kept: number,
): Verdict<{ guarantee: Signed<'Guarantee'> }> {
  const already = rows.guarantee(cause)
  if (already) return { ok: true, guarantee: already }
  const line = rows.channel(channelId)
  if (!line) return refuse({ code: 'unknown-channel', channelId })
  const verdict = decide(line)
  if (!verdict.ok) return verdict
  const guarantee = sign()
  // One with the highest ceiling covers all before it, whose rows then go.
  if (kept >= maxGuarantees && guarantee.ceiling < rows.tab(channelId, provider).liveCeiling)
    return refuse({ code: 'too-many-guarantees', channelId, provider, limit: maxGuarantees })
  rows.putGuarantee(cause, guarantee)
  return { ok: true, guarantee }
}

/**
 * Turns micro-promises into a larger total. Where the pool does not cover that, nothing is promised, and yet the
 * micro-promises stay with the hub: they are what is drawn then.
 *
 * @param uncovered - Channels on which cleared money of this provider rests on a guarantee that ends soon.
 */
export function credit(
  rows: ClearingRows,
  order: CreditOrder,
  uncovered: readonly Hex[],
  now: RenewedAt,
): Verdict<{ credited: Credited }> {
  const accepted: HeldPromise[] = []
  try {
    const credited = rows.attempt(() => {
      const { moved, ...rest } = creditAll(rows, order, accepted)
      return { ...rest, guarantees: renewals(rows, order, moved, uncovered, now) }
    })
    return { ok: true, credited }
  } catch (error) {
    if (!(error instanceof Insolvent)) throw error
    for (const promise of accepted) hold(rows, order, promise)
    return error.refused
  }
}

/**
 * Takes in a promise that the hub had cleared before its ledger forgot it. The total includes it again, and it is drawn
 * where its channel can still stand for it.
 *
 * @returns Whether it was news.
 */
export function recallCleared(
  rows: ClearingRows,
  provider: Address,
  { channelId, amount, signature }: HeldPromise,
): boolean {
  const line = rows.channel(channelId)
  if (!line) return false
  const { held } = rows.tab(channelId, provider)
  const isHeld = amount > held && isBacked(line, provider, amount)
  if (!raiseCleared(rows, channelId, provider, amount, rows.standing.feeBps)) return false
  if (isHeld) rows.changeTab(channelId, provider, { held: amount, heldSignature: signature })
  return true
}

/**
 * Takes in that a tab's part of the total is at least this: what a provider drew before it cleared is in its account on
 * chain, so the promise to it must include it.
 *
 * @returns Whether it was news.
 */
export function raiseCleared(
  rows: ClearingRows,
  channelId: Hex,
  provider: Address,
  amount: Wei,
  feeBps: number,
): boolean {
  const { cleared } = rows.tab(channelId, provider)
  if (amount <= cleared) return false
  rows.changeTab(channelId, provider, { cleared: amount })
  const account = rows.account(provider)
  rows.putAccount({ ...account, ...addCredit(account, creditFor(cleared, amount, feeBps)) })
  return true
}

/** Undoes what was credited, and keeps why. */
class Insolvent extends Error {
  constructor(readonly refused: Refused) {
    super('The pool does not cover these promises.')
  }
}

function creditAll(
  rows: ClearingRows,
  order: CreditOrder,
  accepted: HeldPromise[],
): Omit<Credited, 'guarantees'> & { moved: ReadonlySet<Hex> } {
  const { provider, promises, decide, solvent, sign } = order
  const { feeBps, ...pool } = rows.standing
  const refused: { channelId: Hex; verdict: Verdict }[] = []
  const moved = new Set<Hex>()
  const account = rows.account(provider)
  let credit = 0n
  for (const promise of promises) {
    const { channelId, amount } = promise
    const line = rows.channel(channelId)
    const unknown = refuse({ code: 'unknown-channel' as const, channelId })
    const verdict = line ? decide(line, promise, feeBps) : unknown
    if (!verdict.ok) {
      refused.push({ channelId, verdict })
      continue
    }
    credit += verdict.credit
    accepted.push(promise)
    // Shown again, it moves nothing: else a provider could keep what is guaranteed tied up for ever.
    if (verdict.credit > 0n || order.wereHeld) moved.add(channelId)
    hold(rows, order, promise, amount)
  }
  const promised = addCredit(account, wei(credit))
  const { total } = promised
  if (credit > 0n) {
    rows.putAccount({ ...account, ...promised })
    const verdict = solvent(rows.sums.owed, pool)
    if (!verdict.ok) throw new Insolvent(verdict)
  }
  const signature =
    account.signature !== null && account.signedTotal === total ? account.signature : sign(total)
  if (credit > 0n || (rows.knows(provider) && signature !== account.signature))
    rows.putAccount({ ...account, ...promised, signedTotal: total, signature })
  return { total, signature, refused, moved }
}

/** A micro-promise stays with the ledger as soon as it was accepted: it is what is drawn. */
function hold(
  rows: ClearingRows,
  { provider }: CreditOrder,
  { channelId, amount, signature }: HeldPromise,
  cleared?: Wei,
): void {
  const tab = rows.tab(channelId, provider)
  // What was recalled without being held, is shown again: nobody is to draw it now, either.
  const isHigher = amount > tab.held && amount > tab.cleared
  if (!isHigher && (cleared === undefined || cleared <= tab.cleared)) return
  rows.changeTab(channelId, provider, {
    ...(isHigher ? { held: amount, heldSignature: signature } : {}),
    cleared: cleared === undefined ? tab.cleared : larger(cleared, tab.cleared),
  })
}

function renewals(
  rows: ClearingRows,
  order: CreditOrder,
  moved: ReadonlySet<Hex>,
  uncovered: readonly Hex[],
  now: RenewedAt,
): Credited['guarantees'] {
  return [...new Set([...moved, ...uncovered])].flatMap((channelId) => {
    const line = rows.channel(channelId)
    // Only a guarantee that was asked for once is renewed.
    if (line?.status !== 'open' || rows.tab(channelId, order.provider).expiresAt === 0) return []
    const renewed = order.renew(line, moved.has(channelId), now)
    if (!renewed) return []
    rows.putGuarantee(renewed.cause, renewed.guarantee)
    return [renewed.guarantee]
  })
}
