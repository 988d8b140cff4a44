import {
  type Address,
  type ChannelParties,
  channelIdOf,
  type Hex,
  roles,
  type UnixSeconds,
  unixSeconds,
  type Wei,
  wei,
} from '@pontage/shared'
import {
  approveAtLeast,
  createSender,
  inTokens,
  noPermits,
  readAllowing,
  readChannel,
  signPermit,
  UserError,
} from '@pontage/shared/node'
import { standingsAs } from '../../io/chain/discovery.js'
import { awaitConfirmed } from '../../io/home/confirmation.js'
import type { Journal } from '../../io/home/journal.js'
import { type Context, unwrap } from '../context.js'
import { acceptableFee, connectHub, type Hub } from '../hub/hubLink.js'
import { checkFirst, signFirst } from './channelStates.js'

export interface OpenedChannel {
  readonly channelId: Hex
  readonly hub: Address
  readonly nonce: number
  /** Null when the identity was registered before. */
  readonly registerTransaction: Hex | null
  readonly openTransaction: Hex
  /** What the hub took for sending both. */
  readonly relayFees: Wei
}

/** What a channel costs before it is opened. */
export interface OpeningCost {
  readonly amount: Wei
  readonly stake: Wei
  readonly registerFee: Wei
  readonly openFee: Wei
}

/** Seconds that signed documents stay good: long enough for a crowded chain, short enough to forget. */
const validSeconds = 3_600
const relayTimeoutMs = 180_000
const nothing = `0x${'00'.repeat(20)}` as Address
/**
 * Registers this identity as a consumer where it is not yet, agrees on the channel's first state with the hub,
 * and only then locks tokens. The hub sends the transactions, so no gas coin is needed.
 *
 * @param wishes.confirm - Asked with what it will cost, before anything is signed. @throws to decline
 * @throws UserError for too few tokens, too high fees, or what the hub or the chain refuse.
 */
export async function openChannel(
  context: Context,
  journal: Journal,
  wishes: {
    hub: Address
    amount: Wei
    maxRelayFee: Wei
    confirm?: (cost: OpeningCost) => Promise<void>
  },
): Promise<OpenedChannel> {
  const { chain, identity, clock } = context
  const shown = (amount: Wei) => inTokens(chain, amount)
  if (wishes.amount === 0n) throw new UserError('A channel needs a deposit: give an --amount above 0.')
  const hub = await connectHub(context, wishes.hub, { mustBeSound: true })
  try {
    const cost = await openingCost(context, hub, wishes)
    const { isRegistered } = cost
    const needed = sumOf(cost)
    const balance = wei(await chain.token.balanceOf(identity.address))
    if (balance < needed)
      throw new UserError(
        `${shown(needed)} are needed (deposit, stake and fees), but ${identity.address} has ${shown(balance)}. Send it the rest.`,
      )
    const allowances = await missingAllowances(context, cost)
    await wishes.confirm?.(cost)
    for (const { spender, value } of allowances)
      await approveAtLeast(chain, createSender(chain, identity), identity.address, spender, value)
    const deadline = unixSeconds(Math.max(clock.now(), (await chain.head()).at) + validSeconds)
    const registerTransaction = isRegistered ? null : await register(context, hub, cost, deadline)
    // While the registration went into a block, gas may have become dearer.
    const openFee = isRegistered ? cost.openFee : await openFeeNow(hub, wishes.maxRelayFee, shown)
    const opened = await open(context, journal, hub, wishes.hub, { ...cost, openFee }, deadline)
    return { ...opened, registerTransaction, relayFees: wei(cost.registerFee + openFee) }
  } finally {
    hub.link.close()
  }
}

/** What it costs to open a channel with a hub that was connected to. @throws UserError for a fee above the limit */
async function openingCost(
  context: Context,
  { description: { relayFees } }: Hub,
  { amount, maxRelayFee }: { readonly amount: Wei; readonly maxRelayFee: Wei },
): Promise<OpeningCost & { readonly isRegistered: boolean }> {
  const shown = (of: Wei) => inTokens(context.chain, of)
  const missingStake = await stakeToRegister(context)
  const isRegistered = missingStake === undefined
  return {
    ...{ amount, isRegistered, stake: missingStake ?? wei(0n) },
    registerFee: isRegistered
      ? wei(0n)
      : acceptableFee('registration', relayFees.register, maxRelayFee, shown),
    openFee: acceptableFee('opening', relayFees.open, maxRelayFee, shown),
  }
}

const sumOf = ({ amount, stake, registerFee, openFee }: OpeningCost): Wei =>
  wei(amount + stake + registerFee + openFee)

/** Tokens that opening a channel takes in all: deposit, stake and fees. @throws UserError as `openChannel` does */
export async function neededToOpen(
  context: Context,
  wishes: { readonly hub: Address; readonly amount: Wei; readonly maxRelayFee: Wei },
): Promise<Wei> {
  const hub = await connectHub(context, wishes.hub, { mustBeSound: true })
  try {
    return sumOf(await openingCost(context, hub, wishes))
  } finally {
    hub.link.close()
  }
}

async function openFeeNow({ link }: Hub, limit: Wei, shown: (amount: Wei) => string): Promise<Wei> {
  const { relayFees } = unwrap(await link.request('describe', {})).value
  return acceptableFee('opening', relayFees.open, limit, shown)
}

/**
 * What has to be allowed by transactions of our own, because the token has no permits.
 *
 * @throws UserError when there is no coin for them: before anything is signed.
 */
async function missingAllowances(
  { chain, identity }: Context,
  { amount, stake, registerFee, openFee }: OpeningCost,
): Promise<readonly { spender: Address; value: Wei }[]> {
  const { registry, channels } = chain.deployment
  const wanted = [
    { spender: registry, value: wei(stake + registerFee) },
    { spender: channels, value: wei(amount + openFee) },
  ].filter(({ value }) => value > 0n)
  const missing = []
  for (const each of wanted) {
    const { by } = await readAllowing(chain, identity.address, each.spender, each.value)
    if (by === 'transaction') missing.push(each)
  }
  if (missing.length > 0 && (await chain.rpc.getBalance(identity.address)) === 0n)
    throw new UserError(noPermits(identity.address))
  return missing
}

/** Stake that is missing for the consumer's role; undefined when it has the role. @throws UserError in debt. */
async function stakeToRegister({ chain, identity }: Context): Promise<Wei | undefined> {
  const [standing] = await standingsAs(chain, [identity.address], 'consumer')
  if (!standing || standing.active) return undefined
  if (standing.debt > 0n)
    throw new UserError(
      `${identity.address} owes ${standing.debt} wei for a promise it did not keep. It is served again once the debt is repaid.`,
    )
  const minimum = await chain.registry.minimumStake(roles.consumer)
  return wei(minimum > standing.stake ? minimum - standing.stake : 0n)
}

async function register(
  context: Context,
  hub: Hub,
  { stake, registerFee }: OpeningCost,
  deadline: UnixSeconds,
): Promise<Hex> {
  const { chain, identity, typedData } = context
  const [standing] = await standingsAs(chain, [identity.address], 'consumer')
  const registration = typedData.signed(
    'Registration',
    {
      identity: identity.address,
      roles: roles.consumer,
      stake,
      beneficiary: nothing,
      url: '',
      relayFee: registerFee,
      nonce: standing?.nonce ?? 0n,
      deadline,
    },
    identity.privateKey,
  )
  const permit = await signPermit(
    chain,
    identity,
    chain.deployment.registry,
    wei(stake + registerFee),
    deadline,
  )
  const answer = await hub.link.request('relay-register', { registration, permit }, relayTimeoutMs)
  const { transaction } = unwrap(answer).value
  await awaitConfirmed(chain, transaction)
  return transaction
}

async function open(
  context: Context,
  journal: Journal,
  hub: Hub,
  hubAddress: Address,
  { amount, openFee }: OpeningCost,
  deadline: UnixSeconds,
): Promise<Pick<OpenedChannel, 'channelId' | 'hub' | 'nonce' | 'openTransaction'>> {
  const { chain, identity, typedData } = context
  const parties = await unusedParties(context, hubAddress)
  const channelId = channelIdOf(chain.deployment, parties)
  const ownSignature = await signFirst(context, parties)
  const answer = await hub.link.request('prefund', { channel: parties, signature: ownSignature })
  const hubSignature = unwrap(answer).value.signature
  unwrap(await checkFirst(context, parties, hubSignature))
  // The hub has taken the channel; only now are tokens put at risk.
  const { nonce } = parties
  await journal.record({ kind: 'prefund', channelId, hub: hubAddress, nonce, ownSignature, hubSignature })
  const opening = typedData.signed(
    'Opening',
    {
      consumer: identity.address,
      hub: hubAddress,
      channelNonce: nonce,
      amount,
      relayFee: openFee,
      deadline,
    },
    identity.privateKey,
  )
  const permit = await signPermit(chain, identity, chain.deployment.channels, wei(amount + openFee), deadline)
  const sent = unwrap(await hub.link.request('relay-open', { opening, permit }, relayTimeoutMs)).value
  // The hub guarantees nothing on a deposit before it is as deep as the hub wants.
  await awaitConfirmed(chain, sent.transaction, Math.max(hub.description.confirmations, chain.confirmations))
  const view = await readChannel(chain, channelId)
  if (view.status === 'none' || view.balance < amount)
    throw new UserError(
      `The hub says that transaction ${sent.transaction} opened the channel, but the chain does not show it. Check again with "pontage channel status".`,
    )
  return { channelId, hub: hubAddress, nonce, openTransaction: sent.transaction }
}

/** The first nonce with this hub that no channel has had. */
async function unusedParties({ chain, identity }: Context, hub: Address): Promise<ChannelParties> {
  for (let nonce = 1; ; nonce++) {
    const parties = { consumer: identity.address, hub, nonce }
    const { status } = await readChannel(chain, channelIdOf(chain.deployment, parties))
    if (status === 'none') return parties
  }
}
