import { type Address, wei, wholeStake } from '@pontage/shared'
import { readAccount, readChannelSettings, readStanding, readTab } from '@pontage/shared/node'
import { redeemable } from '../../core/redeemPolicy.js'
import { keepHubLink } from '../../io/link/hubLink.js'
import type { Components } from '../components.js'
import { Settlement, type SettlementRule } from '../settlement/settlement.js'

/** What is still to come from one hub. */
export interface HubLeft {
  readonly hub: Address
  /** Promised, and neither drawn nor lost. */
  readonly undrawn: bigint
  /** When the last protest's window ends; zero without one. */
  readonly protestsEndAt: number
  /** Could be redeemed, and what the hub owes and could not pay. */
  readonly due: bigint
  readonly missing: bigint
  /** Promised, but the contract takes it no more. */
  readonly lost: bigint
}

/** Worth or not, nothing is to be left. */
const rule: SettlementRule = {
  redeem: { auto: true, above: wei(0n), everySeconds: undefined, maxGasShareBps: 10_000 },
  coinPrice: undefined,
  exposure: undefined,
  silentAfterSeconds: 0,
}

/** Clears, draws or protests, and redeems everything that is held under any hub. @returns what is left of each. */
export async function windUp(components: Components): Promise<HubLeft[]> {
  const { chain, identity, typedData, clock, promises, log } = components
  const delays = await readChannelSettings(chain)
  const left: HubLeft[] = []
  for (const hub of promises.hubs()) {
    const link = keepHubLink({
      hub,
      findUrl: async () => (await readStanding(chain, hub)).url,
      identity,
      typedData,
      clock,
      handlers: {},
      log,
    })
    try {
      const ignore = () => undefined
      const events = { guaranteed: ignore, broken: ignore, settled: ignore }
      const settlement = new Settlement(components, hub, link, rule, delays, events)
      await settlement.windUp()
      left.push(await leftWith(components, settlement))
    } finally {
      link.close()
    }
  }
  return left
}

async function leftWith(
  { chain, identity, promises }: Components,
  { hub, lost }: Pick<Settlement, 'hub' | 'lost'>,
): Promise<HubLeft> {
  const account = await readAccount(chain, hub, identity.address)
  let undrawn = 0n
  let lostAmount = 0n
  let protestsEndAt = 0
  for (const { channelId, promise } of promises.channelsOf(hub)) {
    const open = promise ? promise.amount - promise.drawn : 0n
    if (open <= 0n) continue
    if (lost.has(channelId)) {
      lostAmount += open
      continue
    }
    undrawn += open
    protestsEndAt = Math.max(protestsEndAt, (await readTab(chain, channelId, identity.address)).protestEndsAt)
  }
  const due = redeemable(promises.hubPromise(hub).total, account)
  return { hub, undrawn, protestsEndAt, due, missing: account.missing, lost: lostAmount }
}

/** Asks for the whole stake, or takes it out once it may go. @returns when it may, and whether it is out. */
export async function takeStake({
  chain,
  identity,
  sender,
}: Components): Promise<{ readonly unbondsAt: number; readonly isOut: boolean }> {
  const { registry } = chain
  const { stake } = await readStanding(chain, identity.address)
  if (stake > 0n) await sender.send(registry.requestUnbonding.populateTransaction(wholeStake))
  const { unbonding, unbondsAt } = await readStanding(chain, identity.address)
  const head = await chain.head()
  if (unbonding === 0n) return { unbondsAt: 0, isOut: true }
  if (unbondsAt > head.at) return { unbondsAt, isOut: false }
  await sender.send(registry.withdrawStake.populateTransaction())
  return { unbondsAt: 0, isOut: true }
}
