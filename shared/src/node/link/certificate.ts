import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from '../../units.js'
import { writeFileDurably } from '../home/durableFile.js'
import { UserError } from '../program/userError.js'
import { fingerprintOf } from './connect.js'
import type { TlsPair } from './listen.js'

/** A certificate with its key, and the fingerprint that is published. */
export interface OwnCertificate extends TlsPair {
  readonly fingerprint: Hex
}

/** Nobody checks the dates of this certificate but its fingerprint; twenty years outlive the machine. */
const lifetimeYears = 20

/**
 * The certificate of this home, made at the first call. Its fingerprint is what others check, so it names
 * nobody, as that of many a web server that was just set up, and no authority signs it.
 *
 * @throws UserError when only half of it is there, or it cannot be read.
 */
export async function ownCertificate(home: string): Promise<OwnCertificate> {
  const paths = { certificate: join(home, 'certificate.pem'), key: join(home, 'certificate.key') }
  const [certificate, key] = await Promise.all([readIfThere(paths.certificate), readIfThere(paths.key)])
  if (certificate !== undefined && key !== undefined)
    return { certificate, key, fingerprint: fingerprint(certificate, paths.certificate) }
  if (certificate !== undefined)
    throw new UserError(
      `${paths.key} is missing, but its certificate is there. Restore it, or remove both to create new ones.`,
    )
  const made = await selfSigned()
  // The key first: a key without a certificate is made anew, the other way round it would be lost.
  await writeFileDurably(paths.key, made.key, 0o600)
  await writeFileDurably(paths.certificate, made.certificate, 0o644)
  return { ...made, fingerprint: fingerprint(made.certificate, paths.certificate) }
}

/** A P-256 key and a certificate that it signs for itself, PEM; good since yesterday, whatever the clocks say. */
async function selfSigned(): Promise<TlsPair> {
  const notBeforeDate = new Date(Date.now() - 86_400_000)
  const notAfterDate = new Date(notBeforeDate)
  notAfterDate.setUTCFullYear(notBeforeDate.getUTCFullYear() + lifetimeYears)
  // Loaded only by who makes one: once in the life of a home.
  const { generate } = await import('selfsigned')
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate,
  })
  return { certificate: made.cert, key: made.private }
}

function fingerprint(certificate: string, path: string): Hex {
  try {
    return fingerprintOf(new X509Certificate(certificate).raw)
  } catch (cause) {
    throw new UserError(
      `${path} is not a certificate. Restore it, or remove it and its key to create new ones.`,
      { cause },
    )
  }
}

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new UserError(`${path} cannot be read: ${error.message}. Check its permissions.`, { cause: error })
  })
