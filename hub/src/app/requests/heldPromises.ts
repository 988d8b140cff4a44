import { channelIdOf, type Params, type Result, refuse, type Verdict } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Components } from '../components.js'
import { findChannel } from '../fresh.js'

/** What the hub holds of a consumer's own promises: shown to the consumer alone, each with its own signature. */
export async function papers(
  components: Components,
  { channel }: Params<'papers'>,
  link: Link,
): Promise<Verdict<{ value: Result<'papers'> }>> {
  const { identity, chain, ledger } = components
  if (channel.consumer !== link.peer)
    return refuse({ code: 'not-a-party', identity: link.peer, expected: channel.consumer })
  if (channel.hub !== identity.address)
    return refuse({ code: 'not-a-party', identity: channel.hub, expected: identity.address })
  const channelId = channelIdOf({ ...channel, chainId: chain.deployment.chainId })
  const known = await findChannel(components, channelId)
  if (!known.ok) return known
  const held = await ledger.undrawn(channelId)
  const promises = held.map(({ provider, amount, signature }) => ({ channelId, provider, amount, signature }))
  return { ok: true, value: { promises } }
}
