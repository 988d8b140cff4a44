import {
  type Address,
  freshnessSeconds,
  type Hex,
  judgeParty,
  larger,
  type Params,
  type Result,
  refuse,
  type Signed,
  type UnixSeconds,
  unixSeconds,
  type Verdict,
  type Wei,
} from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import { type ChannelLine, tabOf } from '../../core/channelLine.js'
import type { GrantOrder, Renewal } from '../../core/clearing.js'
import type { Components } from '../components.js'
import { catchUp, chainSeen, findChannel, judgeService, judgeStandings } from '../fresh.js'

/** Stands behind a consumer towards the provider that forwards its request. */
export async function guarantee(
  components: Components,
  { request }: Params<'guarantee'>,
  link: Link,
): Promise<Verdict<{ value: Result<'guarantee'> }>> {
  const { typedData, ledger, rules, clock, log } = components
  const { channelId, provider, ceiling, issuedAt } = request
  const asked = judgeParty(link.peer, provider)
  if (!asked.ok) return asked
  const now = clock.now()
  if (Math.abs(now - issuedAt) > freshnessSeconds) return refuse({ code: 'stale-request', issuedAt, now })
  const seen = chainSeen(components)
  if (!seen.ok) return seen
  const found = await findChannel(components, channelId)
  if (!found.ok) return found
  const { consumer } = found.line
  const signed = typedData.check('GuaranteeRequest', request, consumer)
  if (!signed.ok) return signed
  const served = await judgeService(components, [consumer, provider])
  if (!served.ok) return served
  const standings = await judgeStandings(components, consumer, provider)
  if (!standings.ok) return standings
  const expiresAt = await expiryNow(components)
  const order: GrantOrder = {
    cause: hex(typedData.digest('GuaranteeRequest', request)),
    channelId,
    provider,
    decide: (line) => rules.reserve(line, provider, ceiling),
    sign: () => signGuarantee(components, channelId, provider, ceiling, expiresAt),
  }
  let granted = await ledger.grant(order)
  // What is missing may have been added just now.
  const isShort = !granted.ok && granted.refusal.code === 'insufficient-collateral'
  if (isShort && (await catchUp(components))) granted = await ledger.grant(order)
  if (!granted.ok) return granted
  log.info('guaranteed', { channelId, provider, ceiling, expiresAt: granted.guarantee.expiresAt })
  return { ok: true, value: { guarantee: granted.guarantee } }
}

/**
 * When a guarantee given now ends. The chain's clock counts, but between blocks it stands still, so the
 * later of the two is taken.
 *
 * @param blockAt - Time of the block that decisions are made on.
 */
export const expiry = ({ clock, settings }: Components, blockAt: number): UnixSeconds =>
  unixSeconds(Math.max(blockAt, clock.now()) + settings.guaranteeSeconds)

/** The same on the newest block that the ledger knows. */
export const expiryNow = async (components: Components): Promise<UnixSeconds> =>
  expiry(components, (await components.ledger.cursor())?.at ?? 0)

/**
 * Renews a provider's guarantee past half of its life, at its ceiling, while the channel moves or something
 * cleared is not drawn yet.
 *
 * @param expiresAt - When the new one ends.
 * @param onlyCleared - Whether nothing more is to be promised: what was cleared stays covered, no more.
 */
export function renewal(
  components: Components,
  line: ChannelLine,
  provider: Address,
  moved: boolean,
  expiresAt: UnixSeconds,
  onlyCleared: boolean,
): Renewal | undefined {
  const { rules, settings, typedData } = components
  const tab = tabOf(line, provider)
  const wanted = (moved && !onlyCleared) || tab.cleared > tab.drawn
  if (!wanted || expiresAt - tab.expiresAt < settings.guaranteeSeconds / 2) return undefined
  const ceiling = onlyCleared ? tab.cleared : larger(tab.ceiling, tab.cleared)
  const fitting = [ceiling, tab.cleared].find((amount) => rules.reserve(line, provider, amount).ok)
  if (fitting === undefined) return undefined
  const guarantee = signGuarantee(components, line.channelId, provider, fitting, expiresAt)
  return { cause: hex(typedData.digest('Guarantee', guarantee)), guarantee }
}

const signGuarantee = (
  { typedData, identity }: Components,
  channelId: Hex,
  provider: Address,
  ceiling: Wei,
  expiresAt: UnixSeconds,
): Signed<'Guarantee'> =>
  typedData.signed('Guarantee', { channelId, provider, ceiling, expiresAt }, identity.privateKey)

const hex = (bytes: Buffer): Hex => `0x${bytes.toString('hex')}`
