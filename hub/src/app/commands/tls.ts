import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { type Given, ownCertificate, type TlsPair, UserError } from '@pontage/shared/node'

/** Flags of serving over TLS. */
export const tlsFlags = {
  tls: {
    type: 'boolean',
    default: false,
    describe: 'Serve wss with a certificate of its own, created in the home folder',
  },
  'tls-certificate': {
    type: 'string',
    requiresArg: true,
    describe: 'PEM file of the certificate for wss',
  },
  'tls-key': {
    type: 'string',
    requiresArg: true,
    describe: 'PEM file of its key',
  },
} as const

type Options = Given<typeof tlsFlags> & { home: string }

/**
 * The certificate that is served, and its key: the home's own, or the ones given; undefined without TLS.
 *
 * @throws UserError when they cannot be read, or do not belong together.
 */
export async function readTls(options: Options): Promise<TlsPair | undefined> {
  const { tls, tlsCertificate, tlsKey } = options
  if (tls && (tlsCertificate !== undefined || tlsKey !== undefined))
    throw new UserError('--tls creates a certificate, --tls-certificate gives one. Use one of the two.')
  if (tls) return ownCertificate(options.home)
  if (tlsCertificate === undefined && tlsKey === undefined) return undefined
  if (tlsCertificate === undefined || tlsKey === undefined)
    throw new UserError('--tls-certificate and --tls-key go together. Give both, or neither.')
  const read = (path: string) =>
    readFile(path, 'utf8').catch((cause) => {
      throw new UserError(`${path} cannot be read. Check --tls-certificate and --tls-key.`, { cause })
    })
  const pair = { certificate: await read(tlsCertificate), key: await read(tlsKey) }
  try {
    createSecureContext({ cert: pair.certificate, key: pair.key })
  } catch (cause) {
    throw new UserError(
      `${tlsCertificate} and ${tlsKey} are not a certificate and its key in PEM format. Check --tls-certificate and --tls-key.`,
      { cause },
    )
  }
  return pair
}
