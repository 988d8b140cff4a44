import { type Bytes, bytes, bytesPerMegabyte, type Price, smaller, type Wei } from '@pontage/shared'

/** What a session may use ahead of payment; zero where it pays ahead. */
export interface Credit {
  readonly atFirst: Bytes
  /** What it may grow to while it pays: enough for the speed that is offered, less what is owed from before. */
  readonly atMost: Bytes
  /** Bytes that a paid second allows for where only time has a price: the speed that is offered. */
  readonly perSecond: Bytes
}

/** How one identity has dealt with this provider, over all of its channels and sessions, restarts included. */
export interface CreditHistory {
  /** Promised ever. */
  readonly promised: Wei
  /** Owed by our count when its sessions ended, and not promised since. */
  readonly unpaid: Wei
}

/** What the running sessions of one identity have, in bytes. */
export interface CreditInUse {
  readonly now: bigint
  /** What each of them may still grow to, together. */
  readonly atMost: bigint
}

/** What an identity may take that never paid anything, if that is worth no more than its part of the stake below. */
export const firstCredit = bytes(2_000_000n)

/**
 * Whoever registers anew for the first credit pays more than it is worth: a hundredth of the smallest stake is what a hub
 * takes for relaying the registration alone (docs/security.md).
 */
const stakePart = 100n

/** Credit grows by this part of what is paid. */
const grownPart = 4n

/** Of what was promised, in hundredths, so much is not held against a consumer: it was lost on the way. */
const forgivenHundredths = 3n

/** The whole credit lasts so long where only time has a price. */
const secondsOnCredit = 10n
const secondsPerHour = 3_600n
/** The credit that an offer allows for is a fifth of a second of its speed. */
const creditsPerSecond = 5n

/** Below this a session would stand still after each few packets: it pays ahead instead. */
const minCredit = 100_000n

/**
 * The credit of an identity's next session: what newcomers get and a quarter of what it ever paid, at most what the offer
 * allows for, less what it owes from before and what its other sessions have. Those may grow, and with them all together have
 * no more than the offer allows for.
 *
 * @param stake - What it has at stake.
 * @returns Zero when there is too little left: then it has to pay ahead.
 */
export function nextCredit(
  history: CreditHistory,
  stake: Wei,
  atMost: Bytes,
  price: Price,
  inUse: CreditInUse,
): Credit {
  const worth = worthOf(atMost, price)
  const perSecond = bytes((atMost > 0n ? atMost : firstCredit) * creditsPerSecond)
  if (worth === 0n) return { atFirst: atMost, atMost, perSecond }
  const asBytes = (amount: bigint): bigint => (amount * atMost) / worth
  const earned = asBytes(history.promised / grownPart)
  const forgiven = (history.promised * forgivenHundredths) / 100n
  const held = history.unpaid > forgiven ? asBytes(history.unpaid - forgiven) : 0n
  const whole = atMost > held + inUse.atMost ? atMost - held - inUse.atMost : 0n
  const first = smaller(firstCredit, bytes(asBytes(stake / stakePart)))
  const left = smaller(whole, first + earned - held - inUse.now)
  return { atFirst: bytes(left < minCredit ? 0n : left), atMost: bytes(whole), perSecond }
}

/** The credit of a session by now, given the bytes that are paid for. Whoever pays ahead has none. */
export const grownCredit = ({ atFirst, atMost }: Credit, paidBytes: bigint): Bytes =>
  atFirst === 0n ? atFirst : smaller(atMost, bytes(atFirst + paidBytes / grownPart))

/** Seconds that may be unpaid with so much credit. */
export const creditSeconds = (now: Bytes, { perSecond }: Credit): bigint =>
  (secondsOnCredit * bytesOfSecond(now)) / perSecond

/** Bytes of a second that runs and is owed when it is over, with so much credit: a fifth of that second is credit. */
export const bytesOfSecond = (now: Bytes): Bytes => bytes(now * creditsPerSecond)

/** What the whole credit is worth, in wei. */
const worthOf = (atMost: Bytes, { perMegabyte, perHour }: Price): bigint =>
  (atMost * perMegabyte) / bytesPerMegabyte + (secondsOnCredit * perHour) / secondsPerHour
