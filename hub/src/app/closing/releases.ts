import type { Address, ChannelParties, Hex, Result, Signed, Verdict } from '@pontage/shared'
import { refuse } from '@pontage/shared'
import type { Tab } from '../../core/channelLine.js'
import type { ReleaseRequest } from '../../io/ledger.js'
import { pause } from '../../io/pause.js'
import type { Components } from '../components.js'

export type SignedRelease = Result<'close-draft'>['releases'][number]

/** Milliseconds a provider has to clear and release: less than its consumer waits for the draft. */
const releaseTimeoutMs = 10_000
/** Milliseconds between looks for an answer, and for requests of other processes. */
const lookForAnswerMs = 100
const lookForRequestsMs = 500
/** Seconds after which a request is nobody's any more; longer than any two clocks differ that work together. */
const requestLastsSeconds = 60

/** Asks a provider whether it is done with a channel; one that cannot be asked delays the close. */
export async function askRelease(
  components: Components,
  channel: ChannelParties,
  channelId: Hex,
  { provider, expiresAt }: Tab,
): Promise<Verdict<{ release: SignedRelease }>> {
  const { typedData, log } = components
  const release =
    (await askHere(components, channel, provider)) ??
    (await askOthers(components, { ...channel, channelId, provider }))
  const isAboutThis = release?.channelId === channelId && release.provider === provider
  if (isAboutThis && typedData.check('Release', release, provider).ok)
    return { ok: true, release: release as SignedRelease }
  log.warn('no release', {
    ...{ channelId, provider },
    reason: release
      ? 'what it signed is no release of this channel'
      : 'it did not answer, or is not connected',
  })
  return refuse({ code: 'close-delayed', channelId, provider, until: expiresAt })
}

/** Asks a provider that is connected to this process. */
async function askHere(
  { peers, log }: Components,
  { consumer, hub, nonce }: ChannelParties,
  provider: Address,
): Promise<Signed<'Release'> | undefined> {
  const link = peers.linkOf(provider)
  const answer = await link?.request('release', { channel: { consumer, hub, nonce } }, releaseTimeoutMs)
  if (answer?.ok) return answer.value.release as Signed<'Release'>
  if (answer) log.warn('no release', { provider, code: answer.refusal.code })
  return undefined
}

/** Has the process ask that the provider is connected to, where several work on one ledger. */
async function askOthers(
  { ledger, clock }: Components,
  request: ReleaseRequest,
): Promise<Signed<'Release'> | undefined> {
  if (!ledger.isShared) return undefined
  await ledger.requestRelease(request, clock.now(), clock.now() - requestLastsSeconds)
  const giveUp = AbortSignal.timeout(releaseTimeoutMs)
  for (; !giveUp.aborted; await pause(lookForAnswerMs, giveUp)) {
    const release = await ledger.releaseAnswer(request)
    if (release) return release === 'none' ? undefined : release
  }
  return undefined
}

/** Asks those connected here for the releases that other processes need, until the signal. */
export async function serveReleaseRequests(components: Components, signal: AbortSignal): Promise<void> {
  const { ledger, identity, peers, clock, log } = components
  if (!ledger.isShared) return
  const asked = new Set<string>()

  async function serve(request: ReleaseRequest): Promise<void> {
    const key = `${request.channelId}${request.provider}`
    if (asked.has(key) || !peers.linkOf(request.provider)) return
    asked.add(key)
    try {
      const release = await askHere(components, { ...request, hub: identity.address }, request.provider)
      await ledger.answerRelease(request, release)
    } finally {
      asked.delete(key)
    }
  }

  const failed = (error: Error) => log.warn('release requests not served', { reason: error.message })
  for (; !signal.aborted; await pause(lookForRequestsMs, signal)) {
    const requests = await ledger.releaseRequests(clock.now() - requestLastsSeconds).catch((error: Error) => {
      failed(error)
      return []
    })
    for (const request of requests) void serve(request).catch(failed)
  }
}
