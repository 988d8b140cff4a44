import { formatTokens, parseTrafficPrice } from '@pontage/shared'
import { createTypedData, openChain, printJson } from '@pontage/shared/node'
import { cheapestFirst, type Offer, whyUnsound } from '../../core/choose.js'
import { readOffers } from '../../io/discovery.js'
import { offerLine } from '../screen.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

type Options = Settings & { json: boolean; country?: string; maxPrice?: string }

export const providersCommand = command<Options>({
  command: 'providers',
  describe: 'List who offers traffic, read from the chain alone',
  builder: (yargs) =>
    withSettings(yargs)
      .option('country', { type: 'string', describe: 'Only this country, such as DE' })
      .option('max-price', { type: 'string', describe: 'Only up to this price, such as 0.1/GB' })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON array' }),
  async handler(argv) {
    const chain = await openChain(argv)
    try {
      const token = { decimals: chain.tokenDecimals, symbol: chain.tokenSymbol }
      const limit = argv.maxPrice === undefined ? undefined : parseTrafficPrice(argv.maxPrice, token.decimals)
      const offers = (await readOffers(chain, createTypedData(chain.deployment)))
        .filter(
          ({ proposal }) => !argv.country || proposal.country.toLowerCase() === argv.country.toLowerCase(),
        )
        .filter(({ price }) => limit === undefined || price.perMegabyte <= limit)
        .sort(cheapestFirst)
      if (argv.json) return printJson(offers.map(asJson))
      if (offers.length === 0) return printLine('No provider offers this. Widen --country or --max-price.')
      for (const offer of offers) {
        const unsound = whyUnsound(offer)
        printLine(
          `${offerLine(offer, token)}${unsound === undefined ? '' : `  (not dealt with: ${unsound})`}`,
        )
        printLine(`    at ${offer.proposal.endpoint}, through ${offer.proposal.hubs.join(', ') || 'no hub'}`)
        printLine(
          `    10 GB cost ${formatTokens(offer.price.perMegabyte * 10_000n, token.decimals)} ${token.symbol}`,
        )
      }
    } finally {
      chain.close()
    }
  },
})

const asJson = (offer: Offer) => ({
  provider: offer.proposal.provider,
  price: offer.price.perMegabyte,
  pricePerHour: offer.price.perHour,
  country: offer.proposal.country,
  endpoint: offer.proposal.endpoint,
  exitPolicy: offer.proposal.exitPolicy,
  hubs: offer.proposal.hubs,
  stake: offer.standing.stake,
  faults: offer.standing.faults,
  debt: offer.standing.debt,
  sound: whyUnsound(offer) === undefined,
  publishedAt: offer.proposal.issuedAt,
})
