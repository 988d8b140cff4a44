import type { Listening, TlsPair } from '@pontage/shared/node'
import { type CertificateFiles, readCertificateFiles } from '../../io/link/certificateFiles.js'
import type { Components } from '../components.js'

/** Those who renew certificates do it days before the old one ends. */
const lookEveryMs = 5_000

/** Presents a certificate that was renewed to whoever connects from then on. */
export function renewCertificate(
  { log }: Pick<Components, 'log'>,
  files: CertificateFiles,
  first: TlsPair,
  listening: readonly Pick<Listening, 'renew'>[],
): { close(): Promise<void> /** Resolves once no look is under way. */; idle(): Promise<void> } {
  let known = first.certificate
  let trouble: string | undefined
  let running: Promise<void> = Promise.resolve()
  const look = async () => {
    try {
      const tls = await readCertificateFiles(files)
      trouble = undefined
      if (tls.certificate === known) return
      known = tls.certificate
      for (const each of listening) each.renew({ tls })
      log.info('certificate renewed')
    } catch (error) {
      // Files are written one after the other: what does not fit together yet does in a moment.
      const { message } = error as Error
      if (trouble !== message) log.warn('certificate not renewed', { reason: message })
      trouble = message
    }
  }
  const timer = setInterval(() => {
    running = look()
  }, lookEveryMs)
  return {
    async close() {
      clearInterval(timer)
      await running
    },
    idle: () => running,
  }
}
