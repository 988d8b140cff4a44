import { type Params, type Result, refuse, type Verdict } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Parts } from './parts.js'

/** Accepts a channel before its consumer risks a token: answers its turn 0 with turn 1. */
export async function prefund(
  { identity, states, ledger, log }: Parts,
  { channel, signature }: Params<'prefund'>,
  link: Link,
): Promise<Verdict<{ value: Result<'prefund'> }>> {
  if (channel.hub !== identity.address)
    return refuse({ code: 'not-a-party', identity: channel.hub, expected: identity.address })
  if (channel.consumer !== link.peer)
    return refuse({ code: 'not-a-party', identity: link.peer, expected: channel.consumer })
  const checked = await states.checkPrefund(channel, signature)
  if (!checked.ok) return checked
  const channelId = states.channelIdOf(channel)
  const hubSignature = await states.signPrefund(channel, identity.privateKey)
  await ledger.recordPrefund({
    channelId,
    consumer: channel.consumer,
    nonce: channel.nonce,
    consumerSignature: signature,
    hubSignature,
  })
  log.info('accepted a channel', { channelId, consumer: channel.consumer })
  return { ok: true, value: { signature: hubSignature } }
}
