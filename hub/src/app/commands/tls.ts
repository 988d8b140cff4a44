import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Hex } from '@pontage/shared'
import {
  fingerprintOf,
  type Given,
  ownCertificate,
  type Presented,
  type TlsPair,
  UserError,
} from '@pontage/shared/node'

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
    isPath: true,
    describe: 'PEM file of the certificate for wss',
  },
  'tls-key': {
    type: 'string',
    requiresArg: true,
    isPath: true,
    describe: 'PEM file of its key',
  },
  'proxy-certificate': {
    type: 'string',
    requiresArg: true,
    isPath: true,
    describe: 'PEM file of the certificate that a proxy in front presents; the hub itself serves ws',
  },
} as const

type Options = Given<typeof tlsFlags> & { home: string; typed?: ReadonlySet<string> }

/** Settings that go together: the ways to come by a certificate, of which one holds. */
const ways = [['tls'], ['tls-certificate', 'tls-key'], ['proxy-certificate']]

/** The flags as they hold: a way that is typed goes before those that stand in configuration or environment. */
export function asTyped<Each extends Partial<Options>>(options: Each): Each {
  const { typed = new Set<string>() } = options
  if (!ways.flat().some((name) => typed.has(name))) return options
  const [tls, pair, proxy] = ways.map((way) => way.some((name) => typed.has(name)))
  return {
    ...options,
    ...(tls ? {} : { tls: false }),
    ...(pair ? {} : { tlsCertificate: undefined, tlsKey: undefined }),
    ...(proxy ? {} : { proxyCertificate: undefined }),
  }
}

/**
 * What those who connect are shown: the home's own certificate, the one given, or the one of a proxy; nothing without TLS.
 *
 * @throws UserError when it cannot be read, or does not belong to its key.
 */
export async function readPresented(options: Options): Promise<Presented> {
  const { tls, tlsCertificate, tlsKey, proxyCertificate } = asTyped(options)
  const hasPair = tlsCertificate !== undefined || tlsKey !== undefined
  if (tls && hasPair)
    throw new UserError('--tls creates a certificate, --tls-certificate gives one. Use one of the two.')
  if (proxyCertificate !== undefined && (tls || hasPair))
    throw new UserError(
      'With --proxy-certificate a proxy adds TLS, and the hub serves ws. Leave out --tls, --tls-certificate and --tls-key.',
    )
  if (tls) return { tls: await ownCertificate(options.home) }
  if (proxyCertificate !== undefined)
    return { proxied: await readFingerprint(proxyCertificate, '--proxy-certificate') }
  return hasPair ? { tls: await readPair(tlsCertificate, tlsKey) } : {}
}

/** Fingerprint of the first certificate in a PEM file. @throws UserError when there is none */
export async function readFingerprint(path: string, flag: string): Promise<Hex> {
  const text = await readFile(path).catch((cause) => {
    throw new UserError(`${path} cannot be read. Check ${flag}.`, { cause })
  })
  try {
    return fingerprintOf(new X509Certificate(text).raw)
  } catch (cause) {
    throw new UserError(`${path} is not a certificate in PEM format. Check ${flag}.`, { cause })
  }
}

async function readPair(tlsCertificate: string | undefined, tlsKey: string | undefined): Promise<TlsPair> {
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
