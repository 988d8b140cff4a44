import { setTimeout as delay } from 'node:timers/promises'
import { type Address, explain, smaller, type Wei, wei } from '@pontage/shared'
import { judgeHead, UserError } from '@pontage/shared/node'
import { defaultBudget, isTooLittle } from '../../core/cap.js'
import { type Choice, choose, type ExpectedUse, type Offer, whyNoneFits } from '../../core/choose.js'
import type { PayableChannel } from '../../core/hubs.js'
import { type Left, type Limits, monthOf } from '../../core/limits.js'
import { refillsLeft, type TopUpRule } from '../../core/refill.js'
import { readOffers } from '../../io/chain/discovery.js'
import { checkedInvitations } from '../../io/chain/invited.js'
import { awaitConfirmed } from '../../io/home/confirmation.js'
import { readInvitations } from '../../io/home/invitations.js'
import type { Journal } from '../../io/home/journal.js'
import { type Endpoint, resolveEndpoint } from '../../io/link/endpoint.js'
import { costText } from '../channel/costText.js'
import { openChannel } from '../channel/openChannel.js'
import { findPayableChannels, soundHubs } from '../channel/payableHubs.js'
import { createRefiller, refilledInWords } from '../channel/refiller.js'
import type { Context, Opening, Reader } from '../context.js'
import { connectHub } from '../hub/hubLink.js'
import type { Screen } from './screen.js'

/** What is told while providers are looked for. */
export type PathScreen = Pick<Screen, 'chosen' | 'refused' | 'opened' | 'refilled' | 'warned'>

/** Which providers the user would take, and how they may be paid. */
export interface PathWishes {
  readonly provider: Address | undefined
  readonly country: string | undefined
  readonly limits: Limits
  /** What offers are compared by. */
  readonly use: ExpectedUse
  readonly hub: Address | undefined
  /** Opens a channel with so much where there is none. */
  readonly deposit: Wei | undefined
  /** How the channel is refilled by itself. */
  readonly topUp: TopUpRule | undefined
  /** Most that may be paid for each relayed transaction. */
  readonly maxRelayFee: Wei
}

/** A provider that may be used: where it is, and the channel it would be paid from. */
export interface Path {
  readonly offer: Offer
  readonly channel: PayableChannel
  readonly endpoint: Endpoint
}

/** So many are kept in reserve: behind the kill switch neither the chain nor a name can be asked. */
const maxReserves = 8
const reserveLookupMs = 3_000

/** Where to connect, in order, and the most that it may cost in all. */
export interface Found {
  readonly paths: readonly Path[]
  /** The user's own budget, else one that follows from cap and price; undefined where nothing costs anything. */
  readonly budget: Wei | undefined
}

/**
 * Finds the providers to use, the chosen one first; opens a channel where that was allowed.
 *
 * @throws UserError when there is none, and why.
 */
export async function findPaths(
  { reader, context: opening }: Opening,
  journal: Journal,
  wishes: PathWishes,
  left: Left,
  screen: PathScreen,
): Promise<Found> {
  const { hub, deposit, topUp } = wishes
  const [head, offers, own] = await Promise.all([
    reader.chain.head(),
    offersAndInvitations(reader, wishes.provider),
    findPayableChannels(reader, journal.trail(), topUp !== undefined),
  ])
  const seen = judgeHead(reader.chain, head, reader.clock.now())
  if (!seen.ok) throw new UserError(explain(seen.refusal))
  reader.calendar.agree()
  if (offers.length === 0)
    throw new UserError(
      'No provider has an offer on this chain. Check --rpc and --deployment, or come back later.',
    )
  const added = journal.trail().usage.addedIn(monthOf(head.at))
  const refills = topUp === undefined ? 0n : refillsLeft(topUp, added)
  const payable = own.filter(
    (channel) => (hub === undefined || channel.hub === hub) && (channel.free > 0n || refills > 0n),
  )
  const named = hub === undefined ? offers.flatMap(({ proposal }) => proposal.hubs) : [hub]
  const openable = deposit === undefined ? [] : await soundHubs(reader, [...new Set(named)])
  const hubs = [...payable.map((channel) => channel.hub), ...openable]
  const choice = choose(offers, { ...wishes, maxPrice: wishes.limits.maxPrice }, hubs, wishes.use)
  if (choice.chosen === undefined)
    throw new UserError(whyNobody(choice, payable.length + openable.length > 0, topUp && refills === 0n))
  const { offer, hub: chosenHub } = choice.chosen
  const fallback = defaultBudget(left.cap, offer.price)
  const budget = left.budget ?? (fallback === 0n ? undefined : fallback)
  const ready = payable.find((each) => each.hub === chosenHub)
  const opened = ready === undefined ? (deposit ?? 0n) : 0n
  const free = wei(payable.reduce((sum, each) => sum + each.free, opened + refills))
  screen.chosen(
    { ...choice, chosen: choice.chosen },
    {
      amount: smaller(budget ?? wei(0n), free),
      because:
        budget !== undefined && free < budget
          ? refills > 0n
            ? 'top-ups'
            : 'channel'
          : left.budget === undefined
            ? 'default'
            : 'budget',
    },
    wishes.provider !== undefined,
  )
  const channel = ready
    ? await withEnough(opening, journal, ready, offer.price, wishes, screen)
    : await openFor(await opening, journal, chosenHub, wishes, screen)
  const channels = [channel, ...payable.filter((each) => each !== ready && each.free > 0n)]
  const reserves = await Promise.all(
    choice.others.slice(0, maxReserves).map((other) => reserveOf(other, channels)),
  )
  const endpoint = await resolveEndpoint(offer.proposal.endpoint).catch((error: UserError) => error)
  if (!(endpoint instanceof Error))
    return { paths: [{ offer, channel, endpoint }, ...reserves.filter((each) => each !== undefined)], budget }
  const found = reserves.filter((each) => each !== undefined)
  if (found.length === 0) throw endpoint
  screen.refused({ provider: offer.proposal.provider, code: undefined, message: endpoint.message })
  return { paths: found, budget }
}

async function openFor(
  context: Context,
  journal: Journal,
  hub: Address,
  { deposit, maxRelayFee }: PathWishes,
  screen: PathScreen,
): Promise<PayableChannel> {
  const amount = deposit as Wei // Without a deposit no hub is openable, so none was chosen.
  const opened = await openChannel(context, journal, {
    ...{ hub, amount, maxRelayFee },
    confirm: async (cost) => screen.warned(`Opening a channel with hub ${hub}. ${costText(context, cost)}`),
  })
  screen.opened(opened)
  return { ...opened, free: amount }
}

/** The channel itself where it pays for a megabyte, else refilled: no provider opens a session on an empty one. */
async function withEnough(
  opening: Opening['context'],
  journal: Journal,
  channel: PayableChannel,
  price: Offer['price'],
  { topUp: rule, maxRelayFee }: PathWishes,
  screen: PathScreen,
): Promise<PayableChannel> {
  if (rule === undefined || !isTooLittle(channel.free, price)) return channel
  const context = await opening
  const done = await createRefiller(context, journal, channel, { rule, maxRelayFee }).add(channel.free)
  if ('because' in done) throw new UserError(done.because)
  // The hub guarantees nothing on what is not as deep as the hub wants.
  const { link, description } = await connectHub(context, channel.hub, { mustBeSound: true })
  link.close()
  await awaitConfirmed(context.chain, done.transaction, description.confirmations)
  screen.refilled(refilledInWords(context, rule, done))
  return { ...channel, free: wei(channel.free + rule.amount) }
}

/** What is offered on chain and by invitations; an invitation goes before what its provider offers everybody. */
async function offersAndInvitations(
  { home, chain, typedData, identity, clock }: Reader,
  wanted: Address | undefined,
): Promise<Offer[]> {
  const self = { address: identity.address, now: clock.now() }
  const [listed, invited] = await Promise.all([
    readOffers(home, chain, typedData),
    readInvitations(home).then((found) => checkedInvitations(chain, typedData, found, self)),
  ])
  const isInvited = (provider: Address) =>
    invited.offers.some(({ proposal }) => proposal.provider === provider)
  const offers = [...invited.offers, ...listed.filter(({ proposal }) => !isInvited(proposal.provider))]
  const vain = invited.unfit.find(({ provider }) => provider === wanted)
  if (vain && !offers.some(({ proposal }) => proposal.provider === wanted))
    throw new UserError(`The invitation of ${vain.provider} ${vain.reason}. Ask for another.`)
  return offers
}

/** One to go to when the chosen one fails; undefined when its address is not known soon. */
async function reserveOf(offer: Offer, channels: readonly PayableChannel[]): Promise<Path | undefined> {
  const channel = channels.find((each) => offer.proposal.hubs.includes(each.hub))
  if (channel === undefined) return undefined
  const known = resolveEndpoint(offer.proposal.endpoint).catch(() => undefined)
  const endpoint = await Promise.race([known, delay(reserveLookupMs, undefined, { ref: false })])
  return endpoint && { offer, channel, endpoint }
}

function whyNobody({ unfit }: Choice, canPay: boolean, isLimitReached = false): string {
  if (!canPay && isLimitReached)
    return 'There is no open channel with money left in it, and --top-up-limit is reached for this month (UTC). Raise it, or run "pontage channel top-up".'
  if (!canPay)
    return 'There is no open channel with money left in it. Run "pontage channel open --hub HUB --amount TOKENS", or give --deposit TOKENS.'
  return `${whyNoneFits(unfit)} Change --country, --max-price or --hub.`
}
