import { channelIdOf, type Params, preFundState, type Result, refuse, type Verdict } from '@pontage/shared'
import { type Link, recoverChannelState, signChannelState } from '@pontage/shared/node'
import type { Components } from '../components.js'
import { judgeService } from '../fresh.js'

/** Accepts a channel before its consumer risks a token: answers its turn 0 with turn 1. */
export async function prefund(
  components: Components,
  { channel, signature }: Params<'prefund'>,
  link: Link,
): Promise<Verdict<{ value: Result<'prefund'> }>> {
  const { identity, chain, log } = components
  if (channel.hub !== identity.address)
    return refuse({ code: 'not-a-party', identity: channel.hub, expected: identity.address })
  if (channel.consumer !== link.peer)
    return refuse({ code: 'not-a-party', identity: link.peer, expected: channel.consumer })
  const served = await judgeService(components, [channel.consumer])
  if (!served.ok) return served
  const signer = await recoverChannelState(preFundState(chain.deployment, channel, 0), signature)
  if (signer === undefined) return refuse({ code: 'malformed-signature', document: 'pre-fund state' })
  if (signer !== channel.consumer)
    return refuse({ code: 'wrong-signer', document: 'pre-fund state', signer, expected: channel.consumer })
  const channelId = channelIdOf({ ...channel, chainId: chain.deployment.chainId })
  const accepted = preFundState(chain.deployment, channel, 1)
  const hubSignature = await signChannelState(accepted, identity.privateKey)
  log.info('accepted a channel', { channelId, consumer: channel.consumer })
  return { ok: true, value: { signature: hubSignature } }
}
