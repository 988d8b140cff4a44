import { countOf, formatBytes } from '@pontage/shared'
import { type Chain, inTokens, onChain, printJson, tokenOf, wholeNumber } from '@pontage/shared/node'
import { type ExpectedUse, whyUnsound } from '../../core/choose.js'
import { inToken } from '../../core/limits.js'
import { costOf, type Listed, type Order, orders } from '../../core/listing.js'
import { keepList, readNames } from '../../io/home/knownNames.js'
import { offerLine } from '../connect/offerLine.js'
import { expectedUse, useFlags } from '../market/expectedUse.js'
import { search } from '../market/market.js'
import { type LimitOptions, limitFlags, limitsFrom } from '../session/limits.js'
import { command, logFrom, printLine, type Settings, withSettings } from './settings.js'

type Options = Settings &
  LimitOptions & {
    json: boolean
    country?: string
    sort: Order
    gb: string
    hours: number
    index?: string
    limit: number
    latency: boolean
  }

export const providersCommand = command<Options>({
  command: 'providers',
  describe: 'List the offers, read from the chain, or from a hub’s index checked against it',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ 'max-price': limitFlags['max-price'], ...useFlags })
      .option('country', { type: 'string', describe: 'Only this country, such as DE' })
      .option('sort', { choices: orders, default: 'price', describe: 'Sort by' })
      .option('index', {
        type: 'string',
        describe: 'Address or URL of a hub: use its list and its receipts; offers are checked on chain',
      })
      .option('limit', {
        type: 'number',
        default: 100,
        requiresArg: true,
        describe: 'At most so many: the cheapest, or those rated best',
      })
      .option('latency', {
        type: 'boolean',
        default: true,
        describe:
          'Measure the latency to each that is listed, which then sees your address (--no-latency to skip)',
      }),
  handler: (argv) =>
    onChain(argv, async (chain) => {
      const use = expectedUse(argv)
      const { maxPrice } = inToken(limitsFrom(argv), chain.tokenDecimals)
      const { country, index, sort, latency } = argv
      const limit = wholeNumber('--limit', argv.limit, 1)
      const { count, listed: found } = await search(argv.home, chain, logFrom(argv), {
        ...{ country, maxPrice, index, sort, use, limit, latency },
      })
      await keepList(
        argv.home,
        found.map(({ proposal: { provider, country: where } }) => ({ provider, country: where })),
      )
      if (argv.json) return printJson({ count, providers: found.map((each) => asJson(each, use)) })
      if (found.length === 0)
        return printLine('No provider offers this. Change --country or raise --max-price.')
      const { aliases } = await readNames(argv.home)
      for (const [index, each] of found.entries()) {
        const names = Object.keys(aliases).filter((name) => aliases[name] === each.proposal.provider)
        const [first = '', ...more] = linesOf(chain, each, use)
        for (const line of [`${[index + 1, ...names].join('  ')}  ${first}`, ...more]) printLine(line)
      }
      if (count > found.length)
        printLine(
          `${found.length} of ${countOf(count, 'provider')}. To see others, give --country, --max-price or a higher --limit.`,
        )
      printLine('Connect to one by its number: pontage connect 1')
    }),
})

function linesOf(chain: Chain, listed: Listed, use: ExpectedUse): string[] {
  const token = tokenOf(chain)
  const { proposal, standing, redeemed } = listed
  const unsound = whyUnsound(listed)
  const { traffic, time } = costOf(use, listed.price)
  const hourly = time === 0n ? '' : `, and ${Number(use.seconds) / 3_600} hours ${inTokens(chain, time)}`
  const since = new Date(standing.registeredAt * 1_000).toISOString().slice(0, 10)
  return [
    `${offerLine(listed, token)}${unsound === undefined ? '' : `  (not dealt with: ${unsound})`}`,
    `    at ${proposal.endpoint}${latencyWords(listed)}, through ${proposal.hubs.join(', ') || 'no hub'}`,
    `    since ${since}, was paid ${inTokens(chain, redeemed)} so far${qualityWords(listed)}`,
    `    ${formatBytes(use.bytes)} costs ${inTokens(chain, traffic)}${hourly}`,
  ]
}

function latencyWords({ latencyMs }: Listed): string {
  if (latencyMs === null) return ''
  return latencyMs === undefined ? ' (does not answer)' : ` (${latencyMs.toFixed(1)} ms)`
}

function qualityWords({ quality: { sessions, throughputKbps, score } }: Listed): string {
  if (sessions === 0) return ''
  const speed = throughputKbps === null ? '' : `, ${(throughputKbps / 1_000).toFixed(1)} Mbit/s`
  const rated = score === null ? '' : `, rated ${score.toFixed(1)} of 5`
  return `; ${countOf(sessions, 'session')}${speed}${rated}`
}

const asJson = (listed: Listed, use: ExpectedUse) => ({
  provider: listed.proposal.provider,
  price: listed.price.perMegabyte,
  pricePerHour: listed.price.perHour,
  country: listed.proposal.country,
  endpoint: listed.proposal.endpoint,
  exitPolicy: listed.proposal.exitPolicy,
  hubs: listed.proposal.hubs,
  stake: listed.standing.stake,
  faults: listed.standing.faults,
  debt: listed.standing.debt,
  registeredAt: listed.standing.registeredAt,
  redeemed: listed.redeemed,
  sound: whyUnsound(listed) === undefined,
  publishedAt: listed.proposal.issuedAt,
  latencyMs: listed.latencyMs ?? null,
  quality: listed.quality,
  cost: { bytes: use.bytes, seconds: Number(use.seconds), ...costOf(use, listed.price) },
})
