import { type Params, preFundState, type Result, refuse, type Verdict } from '@pontage/shared'
import { type Link, recoverChannelState, signChannelState } from '@pontage/shared/node'
import { judgeChannelRequest } from '../channelRequest.js'
import type { Components } from '../components.js'
import { judgeConsumer, judgeService } from '../fresh.js'

/** Accepts a channel before its consumer risks a token: answers its turn 0 with turn 1. */
export async function prefund(
  components: Components,
  { channel, signature }: Params<'prefund'>,
  link: Link,
): Promise<Verdict<{ value: Result<'prefund'> }>> {
  const { identity, chain, log } = components
  const asked = judgeChannelRequest(components, channel, link)
  if (!asked.ok) return asked
  const served = await judgeService(components, [channel.consumer])
  if (!served.ok) return served
  // Two signatures cost more than a look at the chain, which costs whoever has no stake nothing.
  const standing = await judgeConsumer(components, channel.consumer)
  if (!standing.ok) return standing
  const signer = await recoverChannelState(preFundState(chain.deployment, channel, 0), signature)
  if (signer === undefined) return refuse({ code: 'malformed-signature', document: 'pre-fund state' })
  if (signer !== channel.consumer)
    return refuse({ code: 'wrong-signer', document: 'pre-fund state', signer, expected: channel.consumer })
  const accepted = preFundState(chain.deployment, channel, 1)
  const hubSignature = await signChannelState(accepted, identity.privateKey)
  log.info('accepted a channel', { channelId: asked.channelId, consumer: channel.consumer })
  return { ok: true, value: { signature: hubSignature } }
}
