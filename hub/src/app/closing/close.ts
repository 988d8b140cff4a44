import {
  type ChannelParties,
  type ChannelState,
  encodeMessage,
  finalState,
  type Hex,
  type Params,
  type Refused,
  type Result,
  refuse,
  type Verdict,
} from '@pontage/shared'
import { type Link, recoverChannelState, signChannelState } from '@pontage/shared/node'
import type { ChannelLine } from '../../core/channelLine.js'
import { finalTotals, holdersOf } from '../../core/finalState.js'
import { judgeChannelRequest } from '../channelRequest.js'
import type { Components } from '../components.js'
import { chainSeen, findChannel } from '../fresh.js'
import { whyNotSent } from '../whyNotSent.js'
import { conclusionOf, isClosed, sendConclusion } from './conclusion.js'
import { askRelease, type SignedRelease } from './releases.js'

type Draft = Result<'close-draft'>

/** Closes channels together with their consumers. */
export interface Closer {
  draft(params: Params<'close-draft'>, link: Link): Promise<Verdict<{ value: Draft }>>
  conclude(params: Params<'conclude'>, link: Link): Promise<Verdict<{ value: Result<'conclude'> }>>
  /** Sends again what was signed and does not stand on chain yet, without making anybody wait. */
  resume(): void
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>
}

/** What hurrying a close needs of the room that draws. */
interface BeforeClose {
  /** Draws everything from one channel. @throws Error when it fails */
  drawFrom(channelId: Hex): Promise<unknown>
}

export function createCloser(components: Components, drawScheduler: BeforeClose): Closer {
  const { ledger, rules, identity, chain, log } = components
  const hurried = new Set<Hex>()
  let hurrying: Promise<unknown> = Promise.resolve()
  const running = new Map<Hex, Promise<Hex>>()
  let resuming: Promise<void> | undefined

  /** One transaction for one channel, however many ask for it. */
  const conclude = (channelId: Hex, party: ChannelParties): Promise<Hex> => {
    const already = running.get(channelId)
    if (already) return already
    const sending = sendConclusion(components, channelId, party).finally(() => running.delete(channelId))
    running.set(channelId, sending)
    return sending
  }

  /**
   * A guarantee is renewed while something cleared under it is not drawn. Once that is drawn, it ends, whatever the provider
   * does that releases nothing. Once for each channel: its consumer may be of one mind with the provider.
   */
  const hurry = (channelId: Hex): void => {
    if (hurried.has(channelId)) return
    hurried.add(channelId)
    hurrying = drawScheduler.drawFrom(channelId).catch(() => hurried.delete(channelId))
  }

  async function resumeAll(): Promise<void> {
    if (!(await ledger.leads())) return
    for (const { channelId, consumer, nonce } of await ledger.openClosings()) {
      // It may stand on chain already, not yet deep enough for the ledger to rely on it.
      if (running.has(channelId) || (await isClosed(components, channelId))) continue
      await conclude(channelId, { consumer, hub: identity.address, nonce }).catch((error) =>
        log.warn('conclude failed', { channelId, reason: (error as Error).message }),
      )
    }
  }

  return {
    async draft({ channel }, link) {
      const found = await channelOf(components, channel, link)
      if (!found.ok) return found
      const signed = await ledger.closing(found.line.channelId)
      // The answer to an earlier conclude was lost: the same final state concludes again.
      if (signed) return { ok: true, value: conclusionOf(signed) }
      if (found.line.status !== 'open')
        return refuse({ code: 'channel-closing', channelId: found.line.channelId })
      const asked = await Promise.all(
        holdersOf(found.line).map((holder) => askRelease(components, channel, found.line.channelId, holder)),
      )
      const releases: SignedRelease[] = []
      for (const answer of asked) {
        if (!answer.ok) {
          hurry(found.line.channelId)
          return answer
        }
        releases.push(answer.release)
      }
      const line = (await ledger.channel(found.line.channelId)) ?? found.line
      const totals = finalTotals(line)
      // What would be refused later is better said now.
      const verdict = rules.final(line, totals, releases)
      return verdict.ok
        ? { ok: true, value: conclusionOf({ turnNum: turnOf(components, channel), totals, releases }) }
        : verdict
    },

    async conclude({ channel, turnNum, totals, releases, signature }, link) {
      const seen = chainSeen(components)
      if (!seen.ok) return seen
      const found = await channelOf(components, channel, link)
      if (!found.ok) return found
      const { channelId } = found.line
      const final = { turnNum, totals, releases }
      const signed = await ledger.closing(channelId)
      if (signed && encodeMessage(conclusionOf(signed)) !== encodeMessage(conclusionOf(final)))
        return refuse({ code: 'channel-closing', channelId })
      // What does not fit is refused before any signature is looked at.
      const fits: Verdict = signed ? { ok: true } : rules.final(found.line, totals, releases)
      if (!fits.ok) return fits
      const built = await signedState(components, channel, final, signature)
      if (!built.ok) return built
      const wrong = wrongRelease(components, channelId, releases)
      if (wrong) return wrong
      // Signed in memory only: the signature leaves once it is recorded.
      const hubSignature = signed?.hubSignature ?? (await signChannelState(built.state, identity.privateKey))
      if (!signed) {
        const recorded = await ledger.recordClosing({
          channelId,
          decide: (line) => rules.final(line, totals, releases),
          sign: () => ({ channelId, turnNum, totals, releases, consumerSignature: signature, hubSignature }),
        })
        if (!recorded.ok) return recorded
        log.info('signed a final state', { channelId })
      }
      try {
        return {
          ok: true,
          value: { signature: hubSignature, transaction: await conclude(channelId, channel) },
        }
      } catch (error) {
        const reason = whyNotSent(chain, error)
        log.warn('conclude failed', { channelId, reason })
        return refuse({ code: 'relay-failed', reason })
      }
    },

    resume() {
      resuming ??= resumeAll()
        .catch((error) => log.warn('conclude failed', { reason: (error as Error).message }))
        .finally(() => {
          resuming = undefined
        })
    },

    async idle() {
      await Promise.allSettled([resuming, hurrying, ...running.values()])
    },
  }
}

/** The channel of these parties, if its consumer is who asks. */
async function channelOf(
  components: Components,
  channel: ChannelParties,
  link: Link,
): Promise<Verdict<{ line: ChannelLine }>> {
  const asked = judgeChannelRequest(components, channel, link)
  return asked.ok ? findChannel(components, asked.channelId) : asked
}

const turnOf = ({ chain }: Components, channel: ChannelParties): number =>
  finalState(chain.deployment, channel, { totals: [], releases: [] }).turn

/** The final state these words describe, if its consumer signed it. */
async function signedState(
  { chain }: Components,
  channel: ChannelParties,
  final: Pick<Params<'conclude'>, 'turnNum' | 'totals' | 'releases'>,
  signature: Hex,
): Promise<Verdict<{ state: ChannelState }>> {
  const malformed = (problem: string) => refuse({ code: 'malformed-message', type: 'conclude', problem })
  let state: ChannelState
  try {
    state = finalState(chain.deployment, channel, final)
  } catch (error) {
    if (error instanceof RangeError) return malformed(error.message.replace(/\.$/, ''))
    throw error
  }
  if (final.turnNum !== state.turn) return malformed(`turnNum: a final state has turn ${state.turn}`)
  const signer = await recoverChannelState(state, signature)
  if (signer === undefined) return refuse({ code: 'malformed-signature', document: 'final state' })
  if (signer !== channel.consumer)
    return refuse({ code: 'wrong-signer', document: 'final state', signer, expected: channel.consumer })
  return { ok: true, state }
}

function wrongRelease(
  { typedData }: Components,
  channelId: Hex,
  releases: Params<'conclude'>['releases'],
): Refused | undefined {
  for (const release of releases) {
    const checked = typedData.check('Release', { ...release, channelId }, release.provider)
    if (!checked.ok) return checked
  }
  return undefined
}
