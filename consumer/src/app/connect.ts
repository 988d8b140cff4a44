import { type Address, bytes, owedFor, type Wei, wei } from '@pontage/shared'
import { generateWireguardKeys, UserError, uniqueInterfaceName } from '@pontage/shared/node'
import { byteLimit } from '../core/cap.js'
import { type Choice, choose, type Offer } from '../core/choose.js'
import type { PayableChannel } from '../core/hubs.js'
import type { Left, Limits } from '../core/limits.js'
import type { EndReason, Session } from '../core/session.js'
import { type ConnectionRecord, thisNamespace, thisProcess, writeConnection } from '../io/connectionFile.js'
import { readOffers } from '../io/discovery.js'
import { resolveEndpoint } from '../io/endpoint.js'
import type { Journal } from '../io/journal.js'
import { openMeter } from '../io/meter.js'
import { freeTable, readSrcValidMark, speaksIpv6 } from '../io/routing.js'
import { blockMachine, raiseTunnel, restoreMachine } from '../io/tunnel.js'
import { agree } from './agree.js'
import { type Context, granted, link } from './context.js'
import { leftNow } from './limits.js'
import { openChannel } from './openChannel.js'
import { findPayableChannels, soundHubs } from './payableHubs.js'
import { writeReceipt } from './receipt.js'
import { runSession } from './runSession.js'
import type { Screen } from './screen.js'

/** What the user asked for. */
export interface ConnectWishes {
  readonly provider: Address | undefined
  readonly country: string | undefined
  readonly limits: Limits
  readonly hub: Address | undefined
  /** Opens a channel with so much where there is none. */
  readonly deposit: Wei | undefined
  /** Most that may be paid for each relayed transaction. */
  readonly maxRelayFee: Wei
  readonly interface: string | undefined
}

/**
 * Finds a provider, brings up the tunnel behind the kill switch, pays while bytes flow, and ends cleanly.
 *
 * @returns Why it ended. After `user` the machine is as it was; otherwise the kill switch stays on.
 * @throws UserError when it cannot begin; the machine is as it was then.
 */
export async function connect(
  context: Context,
  journal: Journal,
  wishes: ConnectWishes,
  screen: Screen,
  stop: AbortSignal,
): Promise<EndReason> {
  const left = leftNow(context, journal, wishes.limits, { bytes: bytes(0n), spent: wei(0n) })
  const { offer, channel } = await choosePath(context, journal, wishes, left, screen)
  stillWanted(stop)
  const { proposal } = offer
  const endpoint = await resolveEndpoint(proposal.endpoint)
  const outer = granted(
    await link(context, {
      url: endpoint.url,
      expectPeer: proposal.provider,
      expectCertificate: proposal.certificate,
    }),
  ).link
  const keys = generateWireguardKeys()
  const { maxPrice } = wishes.limits
  const agreement = await agree(context, journal, outer, { offer, channel, left, maxPrice, keys }).catch(
    (error) => {
      outer.close()
      throw error
    },
  )
  const guaranteed = wei(agreement.ceiling - agreement.base)
  const { cap } = left
  const limit = byteLimit(cap, guaranteed, agreement.price)
  if (limit === 0n) {
    outer.close()
    throw new UserError(
      agreement.ceilingIs === 'budget'
        ? 'What is left of the budget does not pay for one megabyte. Raise --budget.'
        : `Channel ${channel.channelId} has too little left for one megabyte. Close it and open another with more in it.`,
    )
  }
  const record: ConnectionRecord = {
    state: 'connected',
    process: thisProcess(),
    namespace: thisNamespace(),
    provider: proposal.provider,
    channelId: channel.channelId,
    session: agreement.session,
    interface: wishes.interface ?? uniqueInterfaceName(),
    table: await freeTable(),
    endpoint: { address: endpoint.address, tcpPort: endpoint.tcpPort },
    gateway4: agreement.tunnel.gateway4,
    gateway6: agreement.tunnel.gateway6,
    ipv6: speaksIpv6(),
    srcValidMark: readSrcValidMark(),
  }
  await writeConnection(context.home, record)
  let isConnected = false
  const meter = openMeter()
  try {
    const tunnel = await raiseTunnel({ record, offer: agreement.tunnel, keys, limit })
    const session = await runSession({
      context,
      journal,
      meter,
      terms: { ...agreement, limitedBy: limit !== undefined && limit === cap ? 'cap' : agreement.ceilingIs },
      party: { channelId: channel.channelId, provider: proposal.provider },
      door: {
        provider: proposal.provider,
        certificate: proposal.certificate,
        session: agreement.session,
        tunnel: agreement.tunnel,
      },
      attached: () => {
        outer.close()
        isConnected = true
        screen.connected({ interface: tunnel.name, wireguard: tunnel.kind, limit, ...agreement.tunnel })
      },
      report: (report) => screen.report(report, limit),
      stop,
    })
    return await conclude(context, journal, record, session, screen)
  } catch (error) {
    // Before anybody was told "connected" nothing relies on the tunnel; afterwards a failure blocks.
    if (isConnected) await blockMachine(context.home, record)
    else {
      await outer.request('end', { session: agreement.session }, farewellMs)
      await restoreMachine(context.home, record)
    }
    throw error
  } finally {
    meter.close()
    outer.close()
  }
}

/** How long a provider may take to hear that a session that never came up is over. */
const farewellMs = 2_000

/** Receipt, then the machine: as it was when the user ended it, shut otherwise. */
async function conclude(
  context: Context,
  journal: Journal,
  record: ConnectionRecord,
  session: Session,
  screen: Screen,
): Promise<EndReason> {
  const reason = session.reason ?? 'provider'
  const receipt = await writeReceipt(context, journal, record, session)
  if (reason === 'user') await restoreMachine(context.home, record)
  else await blockMachine(context.home, record)
  screen.ended(session, receipt)
  return reason
}

/** The offer to take and the channel to pay from; opens one where that was allowed. */
async function choosePath(
  context: Context,
  journal: Journal,
  wishes: ConnectWishes,
  left: Left,
  screen: Screen,
): Promise<{ offer: Offer; channel: PayableChannel }> {
  const offers = await readOffers(context.home, context.chain, context.typedData)
  if (offers.length === 0)
    throw new UserError(
      'No provider has an offer on this chain. Check --rpc and --deployment, or come back later.',
    )
  const { hub, deposit } = wishes
  const payable = (await findPayableChannels(context, journal.trail())).filter(
    (channel) => hub === undefined || channel.hub === hub,
  )
  const named = hub === undefined ? offers.flatMap(({ proposal }) => proposal.hubs) : [hub]
  const openable = deposit === undefined ? [] : await soundHubs(context, [...new Set(named)])
  const choice = choose(offers, { ...wishes, maxPrice: wishes.limits.maxPrice }, [
    ...payable.map((channel) => channel.hub),
    ...openable,
  ])
  if (choice.chosen === undefined)
    throw new UserError(whyNobody(choice, payable.length + openable.length > 0))
  const { offer } = choice.chosen
  const estimate =
    left.cap === undefined ? undefined : { cap: left.cap, cost: owedFor(left.cap, 0n, offer.price) }
  screen.chosen({ ...choice, chosen: choice.chosen }, estimate)
  const channel = payable.find((each) => each.hub === choice.chosen?.hub)
  if (channel) return { offer, channel }
  const { maxRelayFee } = wishes
  const amount = deposit as Wei // Without a deposit no hub is openable, so none was chosen.
  const opened = await openChannel(context, journal, { hub: choice.chosen.hub, amount, maxRelayFee })
  screen.opened(opened)
  return { offer, channel: { ...opened, free: amount } }
}

function whyNobody({ unfit }: Choice, canPay: boolean): string {
  if (!canPay)
    return 'There is no open channel with anything left to pay from. Run "pontage channel open --hub HUB --amount TOKENS", or give --deposit TOKENS.'
  const reasons = unfit.map(({ offer, reason }) => `${offer.proposal.provider}: ${reason}`)
  return `None of ${unfit.length} providers will do (${reasons.join('; ')}). Change --country, --max-price or --hub.`
}

function stillWanted(stop: AbortSignal): void {
  if (stop.aborted) throw new UserError('Stopped before anything was connected.')
}
