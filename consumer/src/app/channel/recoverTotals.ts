import { type Address, type Hex, type Signed, type Wei, wei } from '@pontage/shared'
import { inTokens, type Link, UserError } from '@pontage/shared/node'
import { type OwnChannel, readDrawn, readProviders } from '../../io/chain/channelReader.js'
import type { Journal } from '../../io/home/journal.js'
import { type Context, unwrap } from '../context.js'
import { connectHub } from '../hub/hubLink.js'

/**
 * Takes over totals that the disk forgot, from whoever shows our own signature under them.
 *
 * @returns How many were news.
 * @throws UserError for a signature that is not ours, and when the disk did not forget: then another device signs
 * with the same key, and two that sign one channel could promise more than either knows of.
 */
export async function learnTotals(
  context: Context,
  journal: Journal,
  { channelId, shownBy }: { channelId: Hex; shownBy: string },
  promises: readonly Signed<'MicroPromise'>[],
): Promise<number> {
  let news = 0
  for (const promise of promises) {
    if (promise.channelId !== channelId) continue
    unwrap(context.typedData.check('MicroPromise', promise, context.identity.address))
    const { provider } = promise
    if (await take(context, journal, { channelId, provider, amount: wei(promise.amount), shownBy })) news += 1
  }
  return news
}

/** @throws UserError when another device signs on this channel, until the user said which one goes on. */
export function refuseContested(journal: Journal, channelId: Hex): void {
  if (journal.trail().isContested(channelId))
    throw new UserError(
      `Another device signed on channel ${channelId}: nothing more is signed here. Stop the other device; to continue on this one, run "pontage channel recover".`,
    )
}

/** @returns Whether it was news. @throws UserError as {@link learn} */
async function take(
  { chain, log }: Context,
  journal: Journal,
  total: { channelId: Hex; provider: Address; amount: Wei; shownBy: string },
): Promise<boolean> {
  const { channelId, provider, amount, shownBy } = total
  const known = journal.trail().total(channelId, provider)
  if (amount <= known) return false
  if (journal.trail().knows(channelId, provider)) {
    await journal.record({ kind: 'conflict', channelId })
    throw new UserError(
      `${shownBy} shows a promise of ${inTokens(chain, amount)} to ${provider} with your signature, but this machine knows of ${inTokens(chain, known)}: another device signs with the same key, or an old backup was restored. Nothing more is signed. Stop the other device; to continue on this one, run "pontage channel recover", then try again.`,
    )
  }
  log.warn('learned a total that this machine had forgotten', { channelId, provider, amount })
  await journal.record({ kind: 'total', channelId, provider, amount })
  return true
}

/** The same from the hub of a channel, which shows what was cleared and is not drawn yet, and from the chain. */
export async function learnFromHub(
  context: Context,
  journal: Journal,
  channel: OwnChannel,
  link: Link,
): Promise<number> {
  const { channelId, consumer, hub, nonce } = channel
  const answer = await link.request('held-promises', { channel: { consumer, hub, nonce } })
  const { promises } = unwrap(answer).value
  const news = await learnTotals(context, journal, { channelId, shownBy: `Hub ${hub}` }, promises)
  return news + (await learnDrawn(context, journal, channelId))
}

/**
 * Asks for everything that the disk may have forgotten of a channel, and takes from now on what providers show.
 *
 * @returns How many totals were news.
 * @throws UserError when the hub cannot be asked; providers are believed from now on all the same.
 */
export async function recover(context: Context, journal: Journal, channel: OwnChannel): Promise<number> {
  await journal.record({ kind: 'doubt', channelId: channel.channelId })
  const drawn = await learnDrawn(context, journal, channel.channelId)
  const hub = await connectHub(context, channel.hub, { mustBeSound: false })
  try {
    return drawn + (await learnFromHub(context, journal, channel, hub.link))
  } finally {
    hub.link.close()
  }
}

/** What was drawn was promised: the chain checked the signature. */
async function learnDrawn(context: Context, journal: Journal, channelId: Hex): Promise<number> {
  const { chain } = context
  const providers = await readProviders(chain, 'Drawn', channelId)
  const drawn = await readDrawn(chain, channelId, providers)
  let news = 0
  for (const [index, provider] of providers.entries()) {
    const amount = drawn[index] ?? wei(0n)
    if (await take(context, journal, { channelId, provider, amount, shownBy: 'The chain' })) news += 1
  }
  return news
}
