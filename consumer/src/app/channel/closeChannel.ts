import { type Hex, type Wei, wei } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import { judgeClosing } from '../../core/closing.js'
import { whyNotClose } from '../../core/leaving.js'
import { type OwnChannel, readChannels } from '../../io/chain/channelReader.js'
import { awaitConfirmed } from '../../io/home/confirmation.js'
import type { Journal } from '../../io/home/journal.js'
import { type Context, unwrap } from '../context.js'
import { connectHub } from '../hub/hubLink.js'
import { check, lastState, sign } from './channelStates.js'
import { deliverReceipts } from './deliverReceipts.js'
import { learnFromHub } from './recoverTotals.js'

export interface ClosedChannel {
  readonly channelId: Hex
  readonly transaction: Hex
  /** Tokens that came back. */
  readonly returned: Wei
  /** What the final state pays to providers in all. */
  readonly spent: Wei
}

/** The hub asks the providers before it answers, and waits for the chain after. */
const draftTimeoutMs = 60_000
const concludeTimeoutMs = 180_000

/**
 * Closes a channel together with its hub: at once, and everything not signed away comes back.
 *
 * @throws UserError `unequal-totals` when the hub's draft pays anybody more than was signed; nothing is signed then.
 */
export async function closeChannel(
  context: Context,
  journal: Journal,
  channel: OwnChannel,
): Promise<ClosedChannel> {
  const { chain } = context
  const { channelId } = channel
  const problem = whyNotClose(channel, journal.trail(), context.clock.now())
  if (problem !== undefined) throw new UserError(problem)
  const parties = { consumer: channel.consumer, hub: channel.hub, nonce: channel.nonce }
  const hub = await connectHub(context, channel.hub, { mustBeSound: false })
  try {
    const draft = unwrap(await hub.link.request('close-draft', { channel: parties }, draftTimeoutMs)).value
    const { turnNum, totals, releases } = draft
    await deliverReceipts(context, journal, channelId, hub.link)
    const judge = () => judgeClosing(totals, journal.trail().totals(channelId))
    // A draft above what is known here: what others hold says whether it was forgotten, signed elsewhere, or made up.
    if (!judge().ok) await learnFromHub(context, journal, channel, hub.link)
    unwrap(judge())
    const closing = { channel: parties, turnNum, totals, releases }
    const end = lastState(context, closing)
    if (end.turn !== turnNum)
      throw new UserError(
        `The hub proposes turn ${turnNum} as the final one, but it is turn ${end.turn}. Nothing was signed.`,
      )
    // Terminal from here on: after this line nothing is promised on the channel, signed or not.
    await journal.record({ kind: 'closing', channelId, totals })
    const signature = await sign(context, end)
    const concluded = unwrap(
      await hub.link.request('conclude', { ...closing, signature }, concludeTimeoutMs),
    ).value
    unwrap(await check(end, concluded.signature))
    const receipt = await awaitConfirmed(chain, concluded.transaction)
    const topic = chain.channels.getEvent('ChannelConcluded').fragment.topicHash
    const log = receipt.logs.find((each) => each.topics[0] === topic && each.topics[1] === channelId)
    const event = log && chain.channels.interface.parseLog(log)
    if (!event)
      throw new UserError(
        `Transaction ${concluded.transaction} did not close the channel. Check "pontage channel status", then close again.`,
      )
    const spent = totals.reduce((sum, { amount }) => sum + amount, 0n)
    return {
      channelId,
      transaction: concluded.transaction,
      returned: wei(event.args.returned),
      spent: wei(spent),
    }
  } finally {
    hub.link.close()
  }
}

/**
 * The channel that a command means.
 *
 * @throws UserError when there is none, or several and none was named.
 */
export async function findOpenChannel(context: Context, named: Hex | undefined): Promise<OwnChannel> {
  const open = (await readChannels(context.home, context.chain, context.identity.address)).filter(
    ({ status, channelId }) => status === 'open' && (named === undefined || channelId === named),
  )
  const [channel, ...more] = open
  if (!channel)
    throw new UserError(
      named === undefined
        ? 'There is no open channel.'
        : `Channel ${named} is not one of your open channels.`,
    )
  if (more.length > 0)
    throw new UserError(
      `There are ${open.length} open channels. Choose one with --channel: ${open.map(({ channelId }) => channelId).join(', ')}.`,
    )
  return channel
}
