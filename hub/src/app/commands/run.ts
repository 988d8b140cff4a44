import { coinDecimals, hasRole, isActive, parseTokens } from '@pontage/shared'
import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  controlPath,
  createLog,
  defaultLimits,
  type Given,
  type KeyOptions,
  keyFlags,
  type Limits,
  type Log,
  listenControl,
  onChain,
  type PageFile,
  type Presented,
  presentedFingerprint,
  printJson,
  readChannelSettings,
  readPageFiles,
  readPinnedUrl,
  readStanding,
  tellWatchdog,
  UserError,
  unlock,
  untilStopped,
  wholeNumber,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { lockHome } from '../../io/sqlite/open.js'
import { startHub } from '../hub.js'
import { type LedgerOptions, ledgerFlags, openLedger } from './openLedger.js'
import { readPresented, tlsFlags } from './tls.js'

/** Flags of serving; init writes those it is given into the configuration. */
export const serveFlags = {
  host: {
    type: 'string',
    default: '::',
    requiresArg: true,
    describe: 'Address to listen on; :: is every address of IPv4 and IPv6',
  },
  port: {
    type: 'number',
    default: 7700,
    requiresArg: true,
    describe: 'TCP port; 0 picks a free one',
  },
  ...tlsFlags,
  'relay-fee': {
    type: 'string',
    default: '0.01',
    requiresArg: true,
    describe: 'Fee in tokens for relaying a transaction',
  },
  'relays-per-day': {
    type: 'number',
    default: 20,
    requiresArg: true,
    describe: 'Transactions relayed per day for one identity',
  },
  'relays-per-day-per-address': {
    type: 'number',
    default: 100,
    requiresArg: true,
    describe: 'Transactions relayed per day for one network address',
  },
  'coin-price': {
    type: 'string',
    default: '0',
    requiresArg: true,
    describe:
      'Price of one of the chain’s coin in tokens, so that relays earn their gas; 0 ignores the cost of gas',
  },
  'pool-warning': {
    type: 'string',
    default: '0',
    requiresArg: true,
    describe: 'Warn when fewer tokens than this would be left in the pool if every provider redeemed',
  },
  'relays-per-day-in-all': {
    type: 'number',
    default: 2_000,
    requiresArg: true,
    describe: 'Transactions relayed per day for everybody together',
  },
  'guarantee-seconds': {
    type: 'number',
    default: 3_600,
    requiresArg: true,
    describe: 'Lifetime of guarantees, in seconds',
  },
  'draw-above': {
    type: 'string',
    default: '10',
    requiresArg: true,
    describe: 'Draw when this many tokens are undrawn in total',
  },
  'gas-warning': {
    type: 'string',
    default: '0.05',
    requiresArg: true,
    describe: 'Warn when less than this of the chain’s coin is left for gas',
  },
  'drain-seconds': {
    type: 'number',
    default: 0,
    requiresArg: true,
    describe: 'Seconds to keep serving after a stop signal, while /readyz already reports not ready',
  },
  'public-metrics': {
    type: 'boolean',
    default: false,
    describe: 'Show /metrics to other machines as well',
  },
  'max-connections': {
    type: 'number',
    default: defaultLimits.maxConnections,
    requiresArg: true,
    describe: 'Most connections in total',
  },
  'max-connections-per-address': {
    type: 'number',
    default: defaultLimits.maxConnectionsPerAddress,
    requiresArg: true,
    describe: 'Most connections from one network address',
  },
  'requests-per-second': {
    type: 'number',
    default: defaultLimits.requestsPerSecond,
    requiresArg: true,
    describe: 'Most requests per second from one identity',
  },
  'requests-per-second-per-address': {
    type: 'number',
    default: defaultLimits.requestsPerSecondPerAddress,
    requiresArg: true,
    describe: 'Most requests per second from one network address',
  },
  'liabilities-every': {
    type: 'number',
    default: 3_600,
    requiresArg: true,
    describe:
      'Seconds between publications of what the hub owes, each anchored on chain; 0 publishes nothing',
  },
  'poll-ms': {
    type: 'number',
    default: 1_000,
    requiresArg: true,
    describe: 'Milliseconds between reads of the chain',
  },
} as const

type Options = ChainOptions & LedgerOptions & KeyOptions & Given<typeof serveFlags>

/** Runs the hub until it is told to stop. */
export const run: CommandModule<CommonOptions, Options> = {
  command: 'run',
  describe: 'Serve consumers and providers until stopped',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
    ...keyFlags,
    ...serveFlags,
  },
  async handler(options) {
    tellWatchdog()
    const port = wholeNumber('--port', options.port, 0, 65_535)
    const presented = await readPresented(options)
    const release = await untilSignal(options, port, presented)
    release()
  },
}

async function untilSignal(options: Options, port: number, presented: Presented): Promise<() => void> {
  const log = createLog('pontage-hub', options.logLevel)
  return onChain(
    options,
    async (chain) => {
      const settings = {
        relayFee: parseTokens(options.relayFee, chain.tokenDecimals),
        relaysPerDay: wholeNumber('--relays-per-day', options.relaysPerDay),
        relaysPerDayPerAddress: wholeNumber('--relays-per-day-per-address', options.relaysPerDayPerAddress),
        coinPrice: parseTokens(options.coinPrice, chain.tokenDecimals),
        poolWarnBelow: parseTokens(options.poolWarning, chain.tokenDecimals),
        relaysPerDayInAll: wholeNumber('--relays-per-day-in-all', options.relaysPerDayInAll),
        guaranteeSeconds: wholeNumber('--guarantee-seconds', options.guaranteeSeconds, 1),
        drawAbove: parseTokens(options.drawAbove, chain.tokenDecimals),
        gasWarnBelow: parseTokens(options.gasWarning, coinDecimals),
        drainSeconds: wholeNumber('--drain-seconds', options.drainSeconds, 0, 3_600),
        publicMetrics: options.publicMetrics,
        liabilitiesEverySeconds: wholeNumber('--liabilities-every', options.liabilitiesEvery),
        pollMs: wholeNumber('--poll-ms', options.pollMs, 10),
      }
      const { maxGuarantee } = await readChannelSettings(chain)
      if (settings.guaranteeSeconds > maxGuarantee)
        throw new UserError(
          `The contracts refuse guarantees of ${settings.guaranteeSeconds} s: at most ${maxGuarantee} s are allowed. Lower --guarantee-seconds.`,
        )
      const identity = await unlock(options)
      const standing = await readStanding(chain, identity.address)
      // A hub that is wound down serves to the end, though its stake is on its way out.
      if (!hasRole(standing, 'hub') && standing.unbonding === 0n)
        throw new UserError(
          `${identity.address} is not registered as a hub on chain ${chain.deployment.chainId}. Run pontage-hub register first.`,
        )
      demandPublished(standing.url, presented)
      if (!isActive(standing, 'hub'))
        log.warn('stake too low', { stake: standing.stake, debt: standing.debt })
      // A file is one process's; a database is shared by as many as there are.
      const release = options.database === undefined ? lockHome(options.home) : () => undefined
      const ledger = await openLedger(options)
      const stopped = untilStopped('ends')
      const hub = await startHub({
        chain,
        home: options.home,
        identity,
        ledger,
        host: options.host,
        port,
        presented,
        readPresented: () => readPresented(options),
        settings,
        pages: await publicPages(log),
        limits: limitsFrom(options),
        log,
      })
      const control = await listenControl(
        { path: controlPath(options.home) },
        { status: () => hub.view() },
      ).catch((error: Error) => log.warn('commands and pages cannot ask this hub', { reason: error.message }))
      const signal = await stopped
      log.info('stopping', { signal })
      await control?.close()
      await hub.close()
      if (options.json) printJson({ stopped: signal })
      return release
    },
    log,
  )
}

/** @throws UserError where whoever connects is told on chain to expect a certificate, and none would be shown. */
function demandPublished(url: string, presented: Presented): void {
  const published = readPinnedUrl(url)?.certificate
  if (published === undefined || presentedFingerprint(presented) !== undefined) return
  throw new UserError(
    `The address on chain, ${url}, names a certificate, but this hub would serve without one, and nobody could connect. Give run the flag that register was given: --tls, --tls-certificate with --tls-key, or --proxy-certificate.`,
  )
}

/** A hub whose pages were not built serves all the same. */
const publicPages = (log: Log): Promise<ReadonlyMap<string, PageFile>> =>
  readPageFiles(import.meta.url, 'pages/public').catch((error: Error) => {
    log.warn('no pages for browsers', { reason: error.message })
    return new Map()
  })

const limitsFrom = (options: Options): Partial<Limits> => ({
  maxConnections: wholeNumber('--max-connections', options.maxConnections, 1),
  maxConnectionsPerAddress: wholeNumber('--max-connections-per-address', options.maxConnectionsPerAddress, 1),
  requestsPerSecond: wholeNumber('--requests-per-second', options.requestsPerSecond, 1),
  requestsPerSecondPerAddress: wholeNumber(
    '--requests-per-second-per-address',
    options.requestsPerSecondPerAddress,
    1,
  ),
})
