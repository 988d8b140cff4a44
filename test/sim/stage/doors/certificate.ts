import { createHash } from 'node:crypto'
import { timeline } from '../timeline.js'

/** A certificate is a name that both ends see. */
export const ownCertificate = async () => {
  const certificate = `certificate of ${timeline().process.name}`
  const fingerprint = `0x${createHash('sha256').update(certificate).digest('hex')}`
  return { certificate, key: '', fingerprint }
}
