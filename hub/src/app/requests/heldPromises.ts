import type { Params, Result, Verdict } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import { judgeChannelRequest } from '../channelRequest.js'
import type { Components } from '../components.js'
import { findChannel } from '../fresh.js'

/** What the hub holds of a consumer's own promises: shown to the consumer alone, each with its own signature. */
export async function heldPromises(
  components: Components,
  { channel }: Params<'held-promises'>,
  link: Link,
): Promise<Verdict<{ value: Result<'held-promises'> }>> {
  const asked = judgeChannelRequest(components, channel, link)
  if (!asked.ok) return asked
  const { channelId } = asked
  const known = await findChannel(components, channelId)
  if (!known.ok) return known
  const held = await components.ledger.undrawn(channelId)
  const promises = held.map(({ provider, amount, signature }) => ({ channelId, provider, amount, signature }))
  return { ok: true, value: { promises } }
}
