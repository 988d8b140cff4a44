import { type ChannelParties, channelIdOf, type Hex, judgeParty, type Verdict } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Components } from './components.js'

/** The id of a channel of this hub that its own consumer asks about. */
export function judgeChannelRequest(
  { identity, chain }: Pick<Components, 'identity' | 'chain'>,
  channel: ChannelParties,
  link: Pick<Link, 'peer'>,
): Verdict<{ channelId: Hex }> {
  const asked = judgeParty(link.peer, channel.consumer)
  if (!asked.ok) return asked
  const ours = judgeParty(channel.hub, identity.address)
  return ours.ok ? { ok: true, channelId: channelIdOf(chain.deployment, channel) } : ours
}
