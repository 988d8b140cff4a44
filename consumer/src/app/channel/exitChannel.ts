import {
  type Address,
  type Hex,
  type Params,
  type UnixSeconds,
  unixSeconds,
  type Wei,
  wei,
} from '@pontage/shared'
import { createSender, inTokens, readChannel, readTabs, UserError } from '@pontage/shared/node'
import { whyNotExit } from '../../core/leaving.js'
import { type OwnChannel, readProviders } from '../../io/chain/channelReader.js'
import { awaitConfirmed } from '../../io/home/confirmation.js'
import type { Journal } from '../../io/home/journal.js'
import { type Context, unwrap } from '../context.js'
import { acceptableFee } from '../hub/hubLink.js'
import { askRelayers, relayersFor } from '../hub/relayers.js'

/** Who sends, and for how much at most. */
export interface ExitWishes {
  /** Address or url of a hub; one is looked for when left out. */
  readonly relayer: string | undefined
  /** Sends it itself, with the chain's coin for gas. */
  readonly ownGas: boolean
  readonly maxRelayFee: Wei
  /** Leaves alone although a close was signed, which the hub never finished. */
  readonly hubIsGone: boolean
}

export interface ExitBegun {
  readonly channelId: Hex
  readonly transaction: Hex
  /** When the rest may be taken, by the chain's clock. */
  readonly exitAt: UnixSeconds
  /** Taken out of the rest, at the end. */
  readonly relayFee: Wei
  /** Null when it was sent with own gas. */
  readonly relayedBy: Address | null
}

export interface ExitFinished {
  readonly channelId: Hex
  readonly transaction: Hex
  readonly returned: Wei
  readonly relayedBy: Address | null
}

/** Seconds that the signed request stays good. */
const validSeconds = 1_800
const relayTimeoutMs = 180_000

/**
 * Begins to leave a channel without its hub. Providers may draw what they were promised until the delay is over.
 *
 * @throws UserError while a close is under way, or when nobody sends it.
 */
export async function beginExit(
  context: Context,
  journal: Journal,
  channel: OwnChannel,
  wishes: ExitWishes,
): Promise<ExitBegun> {
  const { chain, identity, typedData, clock } = context
  const { channelId } = channel
  const problem = wishes.hubIsGone ? undefined : whyNotExit(channel, journal.trail())
  if (problem !== undefined) throw new UserError(problem)
  const parties = partiesOf(channel)
  const deadline = unixSeconds(Math.max(clock.now(), (await chain.head()).at) + validSeconds)
  // Before anything is signed: from here on it may begin at any time until the deadline.
  await journal.record({ kind: 'exit', channelId, stage: 'asked', at: deadline })
  const sent = await send(
    context,
    channel,
    wishes,
    async (link) => {
      const { relayFees } = unwrap(await link.request('describe', {})).value
      const relayFee = acceptableFee('exit', relayFees.exit, wishes.maxRelayFee, (fee) =>
        inTokens(chain, fee),
      )
      const exit = typedData.signed('ExitRequest', { channelId, relayFee, deadline }, identity.privateKey)
      const answer = await link.request('relay-exit', { channel: parties, exit }, relayTimeoutMs)
      return answer.ok ? { ok: true, transaction: answer.value.transaction, relayFee } : answer
    },
    () => chain.channels.requestExit.populateTransaction(channel.hub, channel.nonce),
  )
  const { exitAt } = await readChannel(chain, channelId)
  if (exitAt === 0)
    throw new UserError(
      `Transaction ${sent.transaction} should have started the exit, but the chain does not show it. Check "pontage channel status", then try again.`,
    )
  await journal.record({ kind: 'exit', channelId, stage: 'begun', at: exitAt })
  return { channelId, exitAt, ...sent }
}

/**
 * Takes what is left, once the delay is over.
 *
 * @throws UserError when nobody sends it.
 */
export async function finishExit(
  context: Context,
  journal: Journal,
  channel: OwnChannel,
  wishes: ExitWishes,
): Promise<ExitFinished> {
  const { chain, clock } = context
  const { channelId } = channel
  const request = { channel: partiesOf(channel), protesters: await protesters(context, channel) }
  const sent = await send(
    context,
    channel,
    wishes,
    async (link) => {
      const answer = await link.request('relay-finish', request, relayTimeoutMs)
      return answer.ok ? { ok: true, transaction: answer.value.transaction, relayFee: wei(0n) } : answer
    },
    () => chain.channels.exit.populateTransaction(request.channel, request.protesters),
  )
  const receipt = await awaitConfirmed(chain, sent.transaction)
  const topic = chain.channels.getEvent('ChannelExited').fragment.topicHash
  const log = receipt.logs.find((each) => each.topics[0] === topic && each.topics[1] === channelId)
  const event = log && chain.channels.interface.parseLog(log)
  if (!event)
    throw new UserError(
      `Transaction ${sent.transaction} did not close the channel. Check "pontage channel status", then try again.`,
    )
  await journal.record({ kind: 'exit', channelId, stage: 'done', at: clock.now() })
  return {
    channelId,
    transaction: sent.transaction,
    returned: wei(event.args.returned),
    relayedBy: sent.relayedBy,
  }
}

type SentBy = { transaction: Hex; relayFee: Wei; relayedBy: Address | null }

/** By a relayer; with own gas where that was asked for, or where nobody relays and there is some. */
async function send(
  context: Context,
  channel: OwnChannel,
  wishes: ExitWishes,
  ask: Parameters<typeof askRelayers<{ transaction: Hex; relayFee: Wei }>>[2],
  call: () => Parameters<ReturnType<typeof createSender>['send']>[0],
): Promise<SentBy> {
  const { chain, identity } = context
  const alone = async (): Promise<SentBy> => {
    const { transaction } = await createSender(chain, identity).send(call())
    return { transaction, relayFee: wei(0n), relayedBy: null }
  }
  if (wishes.ownGas) return alone()
  const answer = await askRelayers(context, await relayersFor(context, channel.hub, wishes.relayer), ask)
  if ('done' in answer) {
    const { transaction, relayFee } = answer.done
    await awaitConfirmed(chain, transaction)
    return { transaction, relayFee, relayedBy: answer.by }
  }
  if (wishes.relayer === undefined && (await chain.rpc.getBalance(identity.address)) > 0n) return alone()
  throw new UserError(
    `No hub sent it (${answer.reasons.join(' ')}) Choose another hub with --relayer, or send some of the chain’s coin to ${identity.address} and use --own-gas.`,
  )
}

const partiesOf = ({ consumer, hub, nonce }: OwnChannel): Params<'relay-finish'>['channel'] => ({
  consumer,
  hub,
  nonce,
})

/** Providers whose protests are open: the chain wants them named, to settle theirs first. */
async function protesters({ chain }: Context, { channelId, openProtests }: OwnChannel): Promise<Address[]> {
  if (openProtests === 0) return []
  const providers = await readProviders(chain, 'ProtestOpened', channelId)
  const tabs = await readTabs(chain, channelId, providers)
  return providers.filter((_provider, index) => (tabs[index]?.protestEndsAt ?? 0) > 0)
}
