import { coinDecimals, parseTokens, systemClock } from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type Check,
  type CommonOptions,
  chainFlags,
  checkClock,
  checkGas,
  checkKeystore,
  examine,
  type Finding,
  type Given,
  type KeyOptions,
  keyFlags,
  keystoreAddress,
  openChain,
  presentedFingerprint,
  printFindings,
  UserError,
  unlock,
  wholeNumber,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import type { Ledger } from '../../io/ledger.js'
import { withoutPassword } from '../../io/postgres/postgresLedger.js'
import { isHomeTaken } from '../../io/sqlite/open.js'
import {
  checkCertificate,
  checkDatabase,
  checkPool,
  checkPort,
  checkPublished,
  checkStake,
} from '../operator/checks.js'
import { hasLedger, type LedgerOptions, ledgerFlags, ledgerPath, openLedger } from './openLedger.js'
import { serveFlags } from './run.js'
import { asTyped, readPresented } from './tls.js'

type Options = ChainOptions &
  LedgerOptions &
  KeyOptions &
  Given<typeof serveFlags> &
  Given<typeof thoroughFlag> & { json: boolean }

const thoroughFlag = {
  thorough: {
    type: 'boolean',
    default: false,
    describe: 'Read through the whole ledger, however long it is',
  },
} as const

/** Looks at everything a hub needs, and says of each that it is well or what to do. */
export const doctor: CommandModule<CommonOptions, Options> = {
  command: 'doctor',
  describe:
    'Check chain, clock, key, stake, pool, gas coin, port, certificates and ledger, and say what to fix',
  builder: { ...chainFlags, ...ledgerFlags, ...keyFlags, ...serveFlags, ...thoroughFlag },
  async handler(options) {
    printFindings(await look(asTyped(options)), options)
  },
}

async function look(options: Options): Promise<Finding[]> {
  const { home } = options
  let chain: Chain | undefined
  let ledger: Ledger | undefined
  const path = options.database === undefined ? ledgerPath(home) : withoutPassword(options.database)
  const onChain =
    (check: (chain: Chain) => Promise<string>): Check =>
    async () => {
      if (!chain) throw new UserError('Not checked: fix the connection to the chain first.')
      return check(chain)
    }
  const checks: Readonly<Record<string, Check>> = {
    chain: async () => {
      chain = await openChain(options)
      return `chain ${chain.deployment.chainId} at block ${(await chain.head()).number}`
    },
    clock: onChain((on) => checkClock(on, systemClock)),
    keystore: async () => {
      const says = await checkKeystore(home, 'pontage-hub')
      await unlock(options)
      return `${says} opens with its password`
    },
    ledger: async () => {
      if (hasLedger(options)) ledger = await openLedger(options)
      const opened = ledger
      const bind = async () => {
        if (opened && chain) await opened.bind(await keystoreAddress(home), chain.deployment)
      }
      return checkDatabase(home, path, opened, bind, options.thorough)
    },
    stake: onChain(async (on) => checkStake(on, await keystoreAddress(home))),
    pool: onChain(async (on) => checkPool(on, await keystoreAddress(home), ledger)),
    'gas coin': onChain(async (on) =>
      checkGas(on, await keystoreAddress(home), parseTokens(options.gasWarning, coinDecimals)),
    ),
    port: async () =>
      checkPort({
        host: options.host,
        port: wholeNumber('--port', options.port, 0, 65_535),
        tls: options.tls || options.tlsCertificate !== undefined,
        // Where the ledger is a database, no file in the home says that a hub runs.
        running: isHomeTaken(home) || (options.database === undefined ? false : undefined),
        hub: await keystoreAddress(home),
      }),
    certificate: () => certificate(options),
    published: onChain(async (on) =>
      checkPublished(on, await keystoreAddress(home), presentedFingerprint(await readPresented(options))),
    ),
  }
  try {
    return await examine(checks)
  } finally {
    await ledger?.close()
    chain?.close()
  }
}

/** The certificate that the flags name, and how long it is good. */
async function certificate(options: Options): Promise<string> {
  const fingerprint = presentedFingerprint(await readPresented(options))
  if (fingerprint === undefined)
    return 'none: ws without TLS. Where a proxy adds it, name its certificate with --proxy-certificate'
  if (options.tls) return `its own, ${fingerprint}`
  const path = options.tlsCertificate ?? options.proxyCertificate
  return `${path === undefined ? '' : await checkCertificate(path, systemClock)}, ${fingerprint}`
}
