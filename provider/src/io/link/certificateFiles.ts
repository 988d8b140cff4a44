import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { type TlsPair, UserError } from '@pontage/shared/node'

/** Where a certificate and its key are, in PEM. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** Reads them. @throws UserError when one is missing, or they do not belong together. */
export async function readCertificateFiles(files: CertificateFiles): Promise<TlsPair> {
  const read = (path: string) =>
    readFile(path, 'utf8').catch((cause) => {
      throw new UserError(`${path} cannot be read. Check --tls-certificate and --tls-key.`, { cause })
    })
  const pair = { certificate: await read(files.certificate), key: await read(files.key) }
  try {
    createSecureContext({ cert: pair.certificate, key: pair.key })
    return pair
  } catch (cause) {
    throw new UserError(
      `${files.certificate} and ${files.key} are not a certificate and its key in PEM format. Check --tls-certificate and --tls-key.`,
      { cause },
    )
  }
}
