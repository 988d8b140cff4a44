import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Document,
  formatPrice,
  type Hex,
  isActive,
  type Price,
  priceFields,
  priceOf,
  type Signed,
  signedSchema,
  unixSeconds,
} from '@pontage/shared'
import { readOffer, readStanding, timeOf, tokenOf, UserError, writeFileDurably } from '@pontage/shared/node'
import type { Components } from '../components.js'
import type { Settings } from '../settings.js'
import { tooLargeRaise, withinRaise } from './priceRaise.js'

/** What the offered service is called; consumers pass over offers of another kind. */
const service = 'wireguard'

/** @throws UserError where nobody would deal with this provider. */
export async function demandRegistered({
  identity,
  chain,
}: Pick<Components, 'identity' | 'chain'>): Promise<void> {
  const standing = await readStanding(chain, identity.address)
  if (!isActive(standing, 'provider'))
    throw new UserError(
      `${identity.address} is not registered as a provider with the minimum stake, or is in debt. Run: pontage-provider register --stake AMOUNT.`,
    )
}

/** Publishes our offer on chain, unless exactly this one stands there. */
export async function publishOffer(
  components: Pick<Components, 'identity' | 'typedData' | 'chain' | 'sender' | 'log'>,
  settings: Settings,
  keys: { readonly wireguardKey: Hex; readonly certificate: Hex },
): Promise<void> {
  const { identity, chain, log } = components
  const offer = await readOffer(chain, identity.address)
  const wanted: Omit<Document<'Proposal'>, 'issuedAt'> = {
    provider: identity.address,
    service,
    ...priceFields(settings.price),
    country: settings.country,
    endpoint: `${settings.endpoint.host}:${settings.endpoint.port}`,
    wireguardKey: keys.wireguardKey,
    certificate: keys.certificate,
    exitPolicy: settings.exitPolicy,
    hubs: settings.hubs,
  }
  const last = await readPublished(settings.home)
  const stands = (next: Omit<Document<'Proposal'>, 'issuedAt'>) =>
    offer.live && last?.issuedAt === offer.issuedAt && textOf(last) === textOf(next)
  let price: Price = settings.price
  // One for each price that may have to wait.
  for (const triesLeft of [2, 1, 0]) {
    const next = { ...wanted, ...priceFields(price) }
    if (stands(next)) {
      log.info('the offer stands', { issuedAt: last?.issuedAt })
      break
    }
    const refused = await publish(components, settings.home, next).then(
      () => undefined,
      (error: Error) => error,
    )
    if (refused === undefined) break
    const raise = tooLargeRaise(refused)
    if (raise === undefined || triesLeft === 0) throw refused
    price = withinRaise(price, raise)
  }
  await reportPrice(components, settings.price)
}

/** A provider does not die of its price: it says what it asks now, and when more. */
async function reportPrice(
  { identity, chain, log }: Pick<Components, 'identity' | 'chain' | 'log'>,
  asked: Price,
): Promise<void> {
  const { nextAt, next, ...now } = await readOffer(chain, identity.address)
  const text = (price: Price) => formatPrice(price.perMegabyte, price.perHour, tokenOf(chain))
  if (nextAt > 0)
    log.info('the price rises later', { now: text(priceOf(now)), next: text(next), at: timeOf(nextAt) })
  if (text(next) !== text(asked))
    log.warn('the market does not let the price rise so far within a day', {
      asked: text(asked),
      next: text(next),
      cure: 'Start again, or give pontage-provider price the next step, a day later.',
    })
}

/** Signs and publishes an offer, newer than all before, and keeps it in the home. @returns the transaction. */
export async function publish(
  {
    identity,
    typedData,
    chain,
    sender,
    log,
  }: Pick<Components, 'identity' | 'typedData' | 'chain' | 'sender' | 'log'>,
  home: string,
  wanted: Omit<Document<'Proposal'>, 'issuedAt'>,
): Promise<Hex> {
  const [head, offer] = await Promise.all([chain.head(), readOffer(chain, identity.address)])
  const proposal = typedData.signed(
    'Proposal',
    { ...wanted, issuedAt: unixSeconds(Math.max(head.at, offer.issuedAt + 1)) },
    identity.privateKey,
  )
  const { signature, ...document } = proposal
  const { transaction, gasUsed } = await sender.send(
    chain.marketplace.publish.populateTransaction({ ...document, hubs: [...document.hubs] }, signature),
  )
  await writeFileDurably(pathIn(home), `${encode(proposal)}\n`, 0o644)
  log.info('published', { transaction, gasUsed })
  return transaction
}

/** Takes our offer off the chain, where there is one. */
export async function withdrawOffer({
  identity,
  chain,
  sender,
}: Pick<Components, 'identity' | 'chain' | 'sender'>): Promise<void> {
  const { live } = await readOffer(chain, identity.address)
  if (live) await sender.send(chain.marketplace.withdrawOffer.populateTransaction())
}

const pathIn = (home: string): string => join(home, 'proposal.json')

const encode = (value: object): string =>
  JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? each.toString() : each), 2)

/** The same text for the same offer, whenever and by whomever signed. */
const textOf = (proposal: Omit<Document<'Proposal'>, 'issuedAt'>): string =>
  encode([
    proposal.service,
    String(proposal.pricePerMegabyte),
    String(proposal.pricePerHour),
    proposal.country,
    proposal.endpoint,
    proposal.wireguardKey,
    proposal.certificate,
    proposal.exitPolicy,
    proposal.hubs,
  ])

/** When that was, in Unix milliseconds; undefined where nothing was. */
export const publishedAt = (home: string): Promise<number | undefined> =>
  stat(pathIn(home)).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  )

/** What was published from this home last; undefined also when the file is unreadable: then it is published anew. */
export async function readPublished(home: string): Promise<Signed<'Proposal'> | undefined> {
  try {
    return signedSchema('Proposal').parse(JSON.parse(await readFile(pathIn(home), 'utf8')))
  } catch {
    return undefined
  }
}
