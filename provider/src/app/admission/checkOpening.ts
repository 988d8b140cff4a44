import {
  freshnessSeconds,
  type Hex,
  judgeParty,
  type Params,
  refuse,
  type Signed,
  unixSeconds,
  type Verdict,
  type Wei,
  wei,
} from '@pontage/shared'
import { judgeHead, type Link, readChannel, readStanding } from '@pontage/shared/node'
import { judgeStanding } from '../../core/accessPolicy.js'
import { judgeGuarantee } from '../../core/guarantee.js'
import { judgeHub } from '../../core/hubTrust.js'
import { readHubStanding } from '../../io/chain/hubStanding.js'
import type { Components } from '../components.js'
import type { AdmissionContext } from './admissionContext.js'
import { judgeConsumer } from './standings.js'

/** Decides whether a consumer's request for a guarantee can be taken to its hub. */
export function judgeRequest(
  { identity, typedData, clock }: Components,
  request: Signed<'GuaranteeRequest'>,
  channelId: Hex,
  link: Link,
): Verdict {
  const now = clock.now()
  const ours = judgeParty(request.provider, identity.address)
  if (!ours.ok) return ours
  if (request.channelId !== channelId) return refuse({ code: 'no-terms', channelId: request.channelId })
  if (Math.abs(now - request.issuedAt) > freshnessSeconds)
    return refuse({ code: 'stale-request', issuedAt: request.issuedAt, now })
  return typedData.check('GuaranteeRequest', request, link.peer)
}

/** Decides by what the chain says now of the channel, its hub and its consumer. */
export async function checkOnChain(
  { chain, clock, log }: Components,
  { settings }: AdmissionContext,
  { channel }: Params<'open'>,
  channelId: Hex,
): Promise<Verdict<{ stake: Wei }>> {
  try {
    const [head, onChain, hub, consumer] = await Promise.all([
      chain.head(),
      readChannel(chain, channelId),
      readHubStanding(chain, channel.hub),
      readStanding(chain, channel.consumer),
    ])
    // What stood a while ago may be closed by now: no session on promises that cannot be checked.
    const seen = judgeHead(chain, head, clock.now())
    if (!seen.ok) {
      log.warn('the chain stands still', { headAt: head.at })
      return seen
    }
    if (onChain.status !== 'open') return refuse({ code: 'unknown-channel', channelId })
    if (onChain.exitAt > 0) return refuse({ code: 'exit-begun', channelId, exitAt: onChain.exitAt })
    const registered = judgeConsumer(channel.consumer, consumer)
    if (!registered.ok) return registered
    const admitted = judgeStanding(consumer, clock.now(), settings.access)
    if (!admitted.ok) return admitted
    const sound = judgeHub(channel.hub, hub)
    return sound.ok ? registered : sound
  } catch (error) {
    const reason = (error as Error).message
    log.warn('the chain does not answer', { reason })
    return refuse({ code: 'unreachable', url: 'The chain', reason })
  }
}

/** Takes the request to the hub, and keeps the guarantee that comes back once it is found sound. */
export async function askHub(
  { chain, clock, identity, typedData, promises }: Components,
  { hubs, lines, maxGuaranteeSeconds }: AdmissionContext,
  { channel, guaranteeRequest }: Params<'raise'>,
  channelId: Hex,
): Promise<Verdict<{ guarantee: Signed<'Guarantee'> }>> {
  const hub = hubs.get(channel.hub)
  if (hub === undefined) return refuse({ code: 'hub-not-accepted', hub: channel.hub })
  const answer = await hub.request('guarantee', { channel, request: guaranteeRequest })
  if (!answer.ok) return answer
  const { guarantee } = answer.value
  const signed = typedData.check('Guarantee', guarantee, channel.hub)
  if (!signed.ok) return signed
  const head = await chain.head()
  const seen = judgeHead(chain, head, clock.now())
  if (!seen.ok) return seen
  const verdict = judgeGuarantee(guarantee, {
    hub: channel.hub,
    provider: identity.address,
    channelId,
    above: lines.get(channelId)?.accepted ?? wei(0n),
    now: head.at,
    maxGuaranteeSeconds,
  })
  if (!verdict.ok) return verdict
  promises.keepChannel(channelId, channel)
  promises.keepGuarantee(guarantee, unixSeconds(head.at))
  return { ok: true, guarantee }
}
