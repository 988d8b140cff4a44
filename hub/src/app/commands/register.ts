import { resolve } from 'node:path'
import { type Hex, parseTokens, roles } from '@pontage/shared'
import {
  approveAtLeast,
  type Chain,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  createSender,
  type Given,
  type KeyOptions,
  keyFlags,
  onChain,
  ownCertificate,
  pinnedUrl,
  printJson,
  printLines,
  readPinnedUrl,
  readStanding,
  rememberSettings,
  UserError,
  unlock,
} from '@pontage/shared/node'
import { ZeroAddress } from 'ethers'
import type { CommandModule } from 'yargs'
import { asTyped, readFingerprint, tlsFlags } from './tls.js'

/** What a registration says. */
export type Registration = CommonOptions &
  KeyOptions &
  Pick<Given<typeof tlsFlags>, 'tls' | 'tlsCertificate' | 'proxyCertificate'> & {
    stake: string
    url: string
  }

type Options = Registration & ChainOptions

/** Registers this identity as a hub, with its own gas. */
export const register: CommandModule<CommonOptions, Options> = {
  command: 'register',
  describe: 'Register on chain as a hub, with a stake',
  builder: {
    ...chainFlags,
    ...keyFlags,
    tls: tlsFlags.tls,
    'tls-certificate': tlsFlags['tls-certificate'],
    'proxy-certificate': tlsFlags['proxy-certificate'],
    stake: {
      type: 'string',
      default: '1000',
      requiresArg: true,
      describe: 'Tokens to stake, in addition to the present stake',
    },
    url: {
      type: 'string',
      demandOption: true,
      requiresArg: true,
      describe:
        'Public address of the hub: ws://HOST:PORT or wss://HOST:PORT; with one of the certificates its fingerprint is added',
    },
  },
  async handler(given) {
    const options = asTyped(given)
    await hubUrl(options)
    await onChain(options, async (chain) => {
      const { url, address, transaction, gasUsed } = await registerHub(options, chain)
      const standing = await readStanding(chain, address)
      if (options.json) printJson({ address, transaction, gasUsed, stake: standing.stake })
      else printLines(`Registered as a hub at ${url} (transaction ${transaction}).`)
    })
  },
}

/** Registers the identity of a home as a hub, and keeps what `run` has to know of it. @throws UserError */
export async function registerHub(options: Registration, chain: Chain) {
  const url = await hubUrl(options)
  const stake = parseTokens(String(options.stake), chain.tokenDecimals)
  const identity = await unlock(options)
  const sender = createSender(chain, identity)
  await approveAtLeast(chain, sender, identity.address, chain.deployment.registry, stake)
  const { transaction, gasUsed } = await sender.send(
    chain.registry.register.populateTransaction(roles.hub, stake, ZeroAddress, url),
  )
  await remember(options)
  return { url, address: identity.address, transaction, gasUsed }
}

/** `run` presents what was published: a hub that is known by its certificate must not serve without. */
const remember = ({ home, url, tls, tlsCertificate, proxyCertificate }: Registration): Promise<void> =>
  rememberSettings(home, {
    url,
    tls: tls || undefined,
    'tls-certificate': tlsCertificate && resolve(tlsCertificate),
    ...(tlsCertificate === undefined ? { 'tls-key': undefined } : {}),
    'proxy-certificate': proxyCertificate && resolve(proxyCertificate),
  })

/** The address to publish: the given one, with the fingerprint of its certificate. @throws UserError for another text */
export async function hubUrl(options: Registration): Promise<string> {
  const { url } = options
  const pinned = readPinnedUrl(url)
  const parsed = pinned && URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') || parsed.hostname === '')
    throw new UserError(
      `"${url}" is not the address of a hub: expected ws://HOST:PORT or wss://HOST:PORT, optionally with #sha256=FINGERPRINT.`,
    )
  const certificate = await publishedCertificate(options)
  if (certificate === undefined) return url
  if (parsed.protocol !== 'wss:')
    throw new UserError(
      `With a certificate the address of the hub is wss://HOST:PORT, not "${url}". Write wss.`,
    )
  return pinnedUrl(url, certificate)
}

/** The fingerprint to publish with the address; none where no flag names a certificate. */
async function publishedCertificate(options: Registration): Promise<Hex | undefined> {
  const { tls, tlsCertificate, proxyCertificate, home } = options
  if ([tls || undefined, tlsCertificate, proxyCertificate].filter((each) => each !== undefined).length > 1)
    throw new UserError(
      '--tls, --tls-certificate and --proxy-certificate each name a certificate. Use one of them.',
    )
  if (tls) return (await ownCertificate(home)).fingerprint
  if (tlsCertificate !== undefined) return readFingerprint(tlsCertificate, '--tls-certificate')
  return proxyCertificate === undefined ? undefined : readFingerprint(proxyCertificate, '--proxy-certificate')
}
