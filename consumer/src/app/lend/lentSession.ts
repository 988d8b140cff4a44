import {
  type Bytes,
  bytes,
  bytesCovered,
  bytesPerMegabyte,
  larger,
  type Price,
  smaller,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import { type Link, pinned, UserError, wireguardKeyFromHex, wireguardPublicKey } from '@pontage/shared/node'
import { restMs } from '../../core/believed.js'
import { largestPacket } from '../../core/lendLimits.js'
import { dayOf, type Left, type Limits } from '../../core/limits.js'
import { type Session, spentIn } from '../../core/session.js'
import { stockConfiguration, stockMtu } from '../../core/stockConfiguration.js'
import type { Journal } from '../../io/home/journal.js'
import { keepLending, type Lending } from '../../io/home/lendings.js'
import { answeringAddress } from '../../io/link/endpoint.js'
import type { Path } from '../connect/findPaths.js'
import { hostOf, outsideUrl, termsOf } from '../connect/openSession.js'
import { type Context, link, unwrap } from '../context.js'
import { type Agreement, agree } from '../session/agree.js'
import { UsedUp } from '../session/limits.js'
import { writeReceipt } from '../session/receipt.js'
import { runSession, type SessionReport } from '../session/runSession.js'
import { type SaidByProvider, saidByProvider } from './saidByProvider.js'

const introduceWithinMs = 6_000
const farewellMs = 5_000
/** Shorter than what a provider waits for its payer (`--grace`, 30 s): until then the session goes on. */
const patienceMs = 25_000
/** A provider's credit is a fifth of a second of the speed that it offers (docs/protocol.md, section 5). */
const creditsPerSecond = 5n

/** The addresses that the other machine was told are still somebody's: soon they may not be. */
export class PlaceTaken extends UserError {}

/** What one session of a lending works with. */
export interface LentSession {
  readonly context: Context
  readonly journal: Journal
  readonly lending: Lending
  readonly path: Path
  /** What it may cost and carry. */
  readonly left: Left
  /** What everything of this home may still use by now. */
  readonly leftForAll: () => Left
  readonly maxPrice: Limits['maxPrice']
  /** Bytes a second that are paid for at most; undefined: what the provider offers. */
  readonly rate: bigint | undefined
  /** Whether the other machine may be told other addresses than before. */
  readonly mayMove: boolean
  /** Told once payment works. */
  readonly lent: (
    lending: Lending,
    terms: { price: Price; rate: bigint | undefined; postQuantum: boolean },
  ) => void
  readonly report: (report: SessionReport) => void
  readonly stop: AbortSignal
}

/** A session that is over. */
interface EndedLentSession {
  readonly session: Session
  /** As it is kept by now. */
  readonly lending: Lending
  /** Milliseconds until another one may begin. */
  readonly restMs: number
}

/**
 * One provider's session for another machine, from the first word to the last promise. The tunnel is not ours: what
 * flows in it is what the provider says, within the limits.
 *
 * @returns How it ended.
 * @throws UserError when it does not come about.
 */
export async function lentSession(options: LentSession): Promise<EndedLentSession> {
  const { context, path } = options
  const address = await answeringAddress(path.endpoint, introduceWithinMs)
  const { provider, certificate } = path.offer.proposal
  const url = outsideUrl(path, address)
  const to = { url, ...hostOf(path), expectPeer: provider, ...pinned(certificate) }
  const outer = unwrap(await link(context, { ...to, timeoutMs: introduceWithinMs })).link
  try {
    const { agreement, lending } = await open(options, outer)
    return await run(options, lending, agreement, url, () => outer.close())
  } finally {
    outer.close()
  }
}

async function open(
  { context, journal, lending: before, path, left, maxPrice, mayMove }: LentSession,
  outer: Link,
): Promise<{ agreement: Agreement; lending: Lending }> {
  // Else it would keep the old session's place, and refuse this one, until it misses us.
  if (before.session !== undefined) await outer.request('end', { session: before.session }, farewellMs)
  const { offer, channel } = path
  const agreement = await agree(context, journal, outer, {
    ...{ offer, channel, left, maxPrice, networks: [] },
    keys: { publicKey: wireguardPublicKey(before.privateKey) },
    lend: { addresses: before.addresses, seed: new Uint8Array(Buffer.from(before.seed, 'hex')) },
  })
  const { tunnel, session, price } = agreement
  const refuse = async (error: UserError): Promise<never> => {
    await outer.request('end', { session }, farewellMs)
    throw error
  }
  if (!agreement.isLent)
    return refuse(
      new UserError('This provider runs an older version, which lends nothing. Choose another one.'),
    )
  const { address4, address6 } = tunnel
  const isElsewhere = before.addresses !== undefined && before.addresses.address4 !== address4
  if (isElsewhere && !mayMove)
    return refuse(new PlaceTaken('The provider still keeps the other machine’s old addresses.'))
  if (agreement.guaranteed.limit !== undefined && agreement.guaranteed.limit < largestPacket)
    return refuse(
      agreement.guaranteed.ceilingIs === 'budget'
        ? new UsedUp('The rest of the budget does not pay for another megabyte. Raise --budget.')
        : new UserError(
            `Channel ${channel.channelId} has too little left for one megabyte. Add to it with "pontage channel top-up".`,
          ),
    )
  const lending: Lending = {
    ...before,
    ...{ provider: offer.proposal.provider, session, addresses: { address4, address6 } },
    price: before.price ?? { perMegabyte: `${price.perMegabyte}`, perHour: `${price.perHour}` },
    configuration: stockConfiguration({
      ...{ address4, address6, dns: tunnel.dns, privateKey: before.privateKey },
      publicKey: wireguardKeyFromHex(tunnel.publicKey),
      presharedKey: wireguardKeyFromHex(tunnel.presharedKey),
      ...{ host: path.endpoint.host, port: tunnel.port },
    }),
  }
  await keepLending(context.home, lending)
  return { agreement, lending }
}

async function run(
  options: LentSession,
  lending: Lending,
  agreement: Agreement,
  url: string,
  attached: () => void,
): Promise<EndedLentSession> {
  const { context, journal, path, left, leftForAll, stop } = options
  const { provider, certificate } = path.offer.proposal
  const { channelId } = path.channel
  const { session: id, price, credit, guaranteed, postQuantum } = agreement
  const offered = credit > 0n ? credit * creditsPerSecond : undefined
  const rate = options.rate ?? offered
  const meter = saidByProvider(context.clock, id, { rate, most: guaranteed.limit })
  const books = lentBooks(context, journal, lending.id, meter)
  const beganAtMs = context.clock.elapsedMs()
  const session = await runSession({
    ...{ context, meter, leftForAll, stop, patienceMs, journal: books.journal },
    terms: termsOf(agreement),
    raise: { channel: path.channel, provider, step: agreement.suggested, left, past: [] },
    topUp: undefined,
    party: { channelId, provider },
    countedAs: agreement.countedAs,
    endpoint: { ...{ provider, certificate, session: id, mtu: stockMtu, urls: [url] }, ...hostOf(path) },
    // There is no tunnel here that could break, or be found to deliver nothing.
    health: async () => undefined,
    delivers: async () => undefined,
    // A stock app has UDP and nothing else.
    lossy: () => {},
    attached: () => {
      attached()
      options.lent(lending, { price, rate, postQuantum })
    },
    report: options.report,
  })
  const paid = paidFor(session)
  await books.close(paid)
  if (session.promised > session.base || meter.total() > 0n)
    await writeReceipt(context, journal, { provider, channelId }, session)
  return { session, lending, restMs: restMs(paid, context.clock.elapsedMs() - beganAtMs, { rate }) }
}

/** Bytes that a session was paid for. Where only time has a price, those that flowed. */
function paidFor(session: Session): Bytes {
  const flowed = bytes(session.downBytes + session.upBytes)
  const seconds = BigInt(Math.floor(session.forwardingMs / 1_000))
  return larger(flowed, bytesCovered(spentIn(session), seconds, session.price) ?? flowed)
}

/** The price that was agreed first, and the user's own limit: what is dearer is not paid. */
export function priceLimit(own: Limits['maxPrice'], { price }: Lending): Limits['maxPrice'] {
  if (price === undefined) return own
  const perMegabyte = weiPerMegabyte(BigInt(price.perMegabyte))
  const perHour = weiPerHour(BigInt(price.perHour))
  return {
    perMegabyte: own.perMegabyte === undefined ? perMegabyte : smaller(own.perMegabyte, perMegabyte),
    perHour: own.perHour === undefined ? perHour : smaller(own.perHour, perHour),
  }
}

/**
 * Writes down what a lending costs before each total that costs it, so that its limits hold over crashes: what was not
 * signed after all counts as spent, never the other way round. Its bytes are those that are paid for: a session that ends
 * with its first packet counts as the megabyte that it cost.
 */
function lentBooks(
  { calendar }: Context,
  journal: Journal,
  lending: string,
  meter: SaidByProvider,
): { journal: Journal; close(paid: Bytes): Promise<void> } {
  let written = 0n
  const note = async (spent: bigint, carried: bigint) => {
    const day = dayOf(calendar.now())
    const before = journal.trail().usage.lentIn(lending, day)
    const sum = before.bytes + carried - written
    written = carried
    await journal.record({
      ...{ kind: 'lent', lending, day },
      ...{ spent: wei(before.spent + spent), bytes: bytes(sum > 0n ? sum : 0n) },
    })
  }
  return {
    journal: {
      ...journal,
      async record(entry) {
        if (entry.kind === 'total') {
          const added = entry.amount - journal.trail().total(entry.channelId, entry.provider)
          const begun = ((meter.total() + bytesPerMegabyte - 1n) / bytesPerMegabyte) * bytesPerMegabyte
          if (added > 0n) await note(added, begun)
        }
        return journal.record(entry)
      },
    },
    close: (paid) => note(0n, paid),
  }
}
