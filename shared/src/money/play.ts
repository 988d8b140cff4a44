import { type ChannelParties, roles } from '../documents.js'
import { type Address, type Wei, wei } from '../units.js'
import type { Operation } from './operation.js'
import { hubClaim, minimumStake, missingByConsumer, missingByHub } from './standing.js'
import { everything, hubOf, identityOf, largestAmount, type Money, tabOf, walletOf } from './state.js'
import { type Cast, type Dice, Table } from './table.js'

/** What everybody does first: registers with a little more stake than the role demands, and begins to trade. */
export function opening(money: Money, cast: Cast): Operation[] {
  const { minimumStakes } = money.settings
  const join = (by: Address, role: number, least: Wei, index: number): Operation => {
    const stake = wei(least + BigInt(7 * index + 1))
    return { do: 'register', by, roles: role, stake, beneficiary: by }
  }
  const channels = cast.consumers.flatMap((consumer) =>
    cast.hubs.map(
      (hub): Operation => ({ do: 'open', parties: { consumer, hub, nonce: 0 }, amount: wei(500n) }),
    ),
  )
  return [
    ...cast.consumers.map((by, index) => join(by, roles.consumer, minimumStakes.consumer, index)),
    ...cast.providers.map((by, index) => join(by, roles.provider, minimumStakes.provider, index)),
    ...cast.hubs.map((by, index) => join(by, roles.hub, minimumStakes.hub, index)),
    ...cast.hubs.map((by): Operation => ({ do: 'fund', by, hub: by, amount: wei(400n) })),
    ...channels,
  ]
}

/**
 * Chooses what somebody does next: mostly what could work as things stand, near the limits that decide whether it
 * does, sometimes nonsense and sometimes a forgery.
 */
export function nextOperation(money: Money, cast: Cast, dice: Dice): Operation {
  const kinds = Object.keys(weights) as (keyof typeof weights)[]
  let left = dice(kinds.reduce((sum, kind) => sum + weights[kind], 0))
  for (const kind of kinds) {
    left -= weights[kind]
    if (left < 0) return choose[kind](new Table(money, cast, dice))
  }
  throw new Error('the dice fell below zero')
}

const weights = {
  wait: 12,
  open: 7,
  deposit: 3,
  draw: 16,
  drawMany: 3,
  drawBatches: 4,
  redeem: 12,
  redeemTo: 3,
  redeemMany: 2,
  drawAndRedeem: 3,
  protest: 9,
  settleProtest: 8,
  requestExit: 3,
  exit: 4,
  conclude: 3,
  fund: 5,
  withdrawal: 5,
  announceFee: 3,
  repay: 4,
  stake: 8,
}

type Choice = (table: Table) => Operation

const choose: Record<keyof typeof weights, Choice> = {
  wait: (table) => ({ do: 'wait', seconds: secondsToWait(table) }),
  open: (table) => ({ do: 'open', parties: table.parties(), amount: table.near(800n) }),
  deposit: (table) => ({
    do: 'deposit',
    by: table.anybody(),
    parties: table.opened(),
    amount: table.near(300n),
  }),
  draw: (table) => {
    const { by, ...order } = table.drawOrder()
    return { do: 'draw', by, order }
  },
  drawMany: (table) => {
    const { by, ...order } = table.drawOrder()
    const others = [table.drawOrder(), table.drawOrder()].map(({ by: _, ...other }) => other)
    return { do: 'drawMany', by, orders: [order, ...others.slice(table.dice(3))] }
  },
  drawBatches: (table) => {
    const by = table.hub()
    const orders = [1, 2, 3, 4].map(() => table.drawOrder()).filter(({ parties }) => parties.hub === by)
    // As the chain takes them: one provider after the other.
    orders.sort((one, other) => (one.provider < other.provider ? -1 : 1))
    return { do: 'drawBatches', by, orders: orders.map(({ by: _, guarantee: __, ...order }) => order) }
  },
  redeem: (table) => ({ do: 'redeem', order: table.redemption() }),
  redeemTo: (table) => {
    const order = table.redemption()
    return { do: 'redeemTo', by: table.signer(order.provider), order, to: table.anybody() }
  },
  redeemMany: (table) => {
    const hub = table.hub()
    return { do: 'redeemMany', hub, orders: [table.redemption(hub), table.redemption(hub)] }
  },
  drawAndRedeem: (table) => {
    const { by, ...order } = table.drawOrder()
    const redemption = table.redemption()
    const both = { hub: order.parties.hub, provider: order.provider }
    return {
      do: 'drawAndRedeem',
      by,
      orders: [order],
      redemption: table.rarely(3) ? redemption : { ...both, total: wei(0n) },
    }
  },
  protest: (table) => {
    const parties = table.opened()
    const provider = table.provider()
    const amount = table.promise(parties, provider)
    return { do: 'protest', order: { parties, provider, amount, signer: table.signer(parties.consumer) } }
  },
  settleProtest: (table) => ({ do: 'settleProtest', ...protested(table) }),
  requestExit: (table) => {
    const parties = table.opened()
    if (table.rarely(2)) return { do: 'requestExit', parties }
    const signer = table.signer(parties.consumer)
    return { do: 'requestExitFor', by: table.anybody(), parties, relayFee: table.near(20n), signer }
  },
  exit: (table) => {
    const leaving = [...table.money.channels.values()].filter(({ open, exitAt }) => open && exitAt > 0)
    const parties = leaving.length > 0 ? table.one(leaving).parties : table.opened()
    const open = table.cast.providers.filter((each) => tabOf(table.money, parties, each).protestEndsAt > 0)
    return { do: 'exit', parties, protesters: table.rarely(6) ? [table.provider()] : open }
  },
  conclude: conclusion,
  fund: (table) => {
    const by = table.anybody()
    const more = wei(walletOf(table.money, by) + 1n)
    return { do: 'fund', by, hub: table.hub(), amount: table.rarely(30) ? more : table.near(500n) }
  },
  withdrawal: (table) => {
    const by = table.hub()
    const { pool, pendingWithdrawal } = hubOf(table.money, by)
    if (table.rarely(20) || (pendingWithdrawal > 0n && !table.rarely(4))) return { do: 'withdraw', by }
    return {
      do: 'requestWithdrawal',
      by,
      amount: table.rarely(80) ? wei(largestAmount + 1n) : table.near(pool),
    }
  },
  announceFee: (table) => {
    const cap = table.money.settings.feeCapBps
    return { do: 'announceFee', by: table.hub(), feeBps: table.one([0, 1, 333, cap, cap, cap + 1]) }
  },
  repay: (table) => repayment(table),
  stake: (table) => aboutStake(table),
}

/** Until something ends, or a moment before or after. */
function secondsToWait(table: Table): number {
  const { money } = table
  const { withdrawalDelay } = money.settings
  const ends = [
    ...[...money.channels.values()].map((channel) => channel.exitAt),
    ...[...money.tabs.values()].flatMap((tabs) => [...tabs.values()].map((tab) => tab.protestEndsAt)),
    ...[...money.hubs.values()].flatMap((hub) => [
      hub.withdrawableAt,
      hub.withdrawableAt + withdrawalDelay,
      hub.raise?.at ?? 0,
    ]),
    ...[...money.identities.values()].map((identity) => identity.unbondsAt),
  ].filter((end) => end > money.now)
  if (ends.length === 0 || table.rarely(4)) return 1 + table.dice(money.settings.maxGuarantee)
  return Math.max(1, table.one(ends) - money.now + table.one([-2, -1, 0, 0, 1]))
}

function protested(table: Table): { parties: ChannelParties; provider: Address } {
  const open = [...table.money.channels.values()].flatMap(({ parties }) =>
    table.cast.providers
      .filter((provider) => tabOf(table.money, parties, provider).protestEndsAt > 0)
      .map((provider) => ({ parties, provider })),
  )
  if (open.length === 0 || table.rarely(10)) return { parties: table.opened(), provider: table.provider() }
  return table.one(open)
}

function conclusion(table: Table): Operation {
  const parties = table.opened()
  const some = table.cast.providers.filter(() => !table.rarely(3))
  const totals = some.map((provider) => ({
    provider,
    amount: table.rarely(3)
      ? table.promise(parties, provider)
      : table.near(tabOf(table.money, parties, provider).drawn + 40n),
  }))
  const longest = table.money.now + table.money.settings.maxGuarantee
  const releases = totals
    .filter(() => !table.rarely(3))
    .map(({ provider, amount }) => ({
      provider,
      amount: table.rarely(4) ? table.near(amount) : amount,
      upTo: table.one([longest, longest - 1, table.money.now]),
      signer: table.signer(provider),
    }))
  const signers = { consumer: table.signer(parties.consumer), hub: table.signer(parties.hub) }
  return { do: 'conclude', parties, totals, releases, signers }
}

function repayment(table: Table): Operation {
  const by = table.anybody()
  const tabs = [...table.money.tabs].flatMap(([key, of]) => {
    const [consumer, hub, nonce] = key.split('/') as [Address, Address, string]
    const parties = { consumer, hub, nonce: Number(nonce) }
    return [...of]
      .filter(([, tab]) => missingByConsumer(tab) + missingByHub(tab) > 0n)
      .map(([provider, tab]) => ({ parties, provider, missing: missingByConsumer(tab) + missingByHub(tab) }))
  })
  if (tabs.length > 0 && table.rarely(2)) {
    const { parties, provider, missing } = table.one(tabs)
    return { do: 'repay', by, parties, provider, amount: table.near(missing) }
  }
  const [hub, provider] = [table.hub(), table.provider()]
  if (table.rarely(8)) return { do: 'repay', by, parties: table.opened(), provider, amount: table.near(10n) }
  return { do: 'repayPromise', by, hub, provider, amount: table.near(hubClaim(table.money, hub, provider)) }
}

/** Somebody who never registered. */
const nobody = '0x00000000000000000000000000000000000000ff' as Address

function aboutStake(table: Table): Operation {
  const leaving = [...table.money.identities]
    .filter(([, { unbonding }]) => unbonding > 0n)
    .map(([who]) => who)
  const by = leaving.length > 0 && table.rarely(2) ? table.one(leaving) : table.anybody()
  const { roles: held, stake, unbonding } = identityOf(table.money, by)
  const spare = wei(stake > minimumStake(table.money, held) ? stake - minimumStake(table.money, held) : 0n)
  const every = roles.consumer | roles.provider | roles.hub
  return table.one<() => Operation>([
    () => ({
      do: 'register',
      by,
      roles: table.one([1, 2, 4, 0, every, every + 1]),
      stake: table.near(table.money.settings.minimumStakes.hub),
      beneficiary: table.one([by, by, table.anybody()]),
    }),
    () => ({
      do: 'addStake',
      by,
      identity: table.rarely(8) ? nobody : table.anybody(),
      amount: table.rarely(20) ? everything : table.near(40n),
    }),
    () => ({
      do: 'requestUnbonding',
      by,
      amount: table.rarely(4) ? everything : table.near(table.one([stake, spare])),
    }),
    () => ({ do: unbonding > 0n && table.rarely(6) ? 'cancelUnbonding' : 'withdrawStake', by }),
    () => ({ do: unbonding > 0n && table.rarely(6) ? 'cancelUnbonding' : 'withdrawStake', by }),
  ])()
}
