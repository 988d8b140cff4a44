import type { Hex } from '@pontage/shared'
import { type Presented, presentedFingerprint, readPinnedUrl, readStanding } from '@pontage/shared/node'
import { pause } from '../../io/pause.js'
import type { Components } from '../components.js'

/** Milliseconds between looks at the files: those who renew certificates do it days before the old one ends. */
const lookEveryMs = 5_000

/**
 * Takes up a certificate that was renewed, without a restart, until the signal; and says when the address on chain
 * names another one than those who connect are shown.
 *
 * @param read - What is to be presented, as the files say now.
 * @param take - Presents it to whoever connects from then on.
 */
export async function watchCertificate(
  { chain, identity, log }: Pick<Components, 'chain' | 'identity' | 'log'>,
  presented: Presented,
  read: () => Promise<Presented>,
  take: (renewed: Presented) => void,
  signal: AbortSignal,
): Promise<void> {
  let known = presentedFingerprint(presented)
  let trouble: string | undefined

  async function comparePublished(certificate: Hex): Promise<void> {
    const published = readPinnedUrl((await readStanding(chain, identity.address)).url)?.certificate
    if (published === undefined || published === certificate) return
    log.warn('certificate is not the published one', {
      ...{ certificate, published },
      cure: 'Nobody connects by the address on chain. Run pontage-hub register --stake 0 with the flags that name the certificate.',
    })
  }

  async function look(): Promise<void> {
    const next = await read()
    trouble = undefined
    const certificate = presentedFingerprint(next)
    if (certificate === known || certificate === undefined) return
    take(next)
    known = certificate
    log.info('certificate renewed', { certificate })
    await comparePublished(certificate)
  }

  const failed = (error: Error): void => {
    // Files are written one after the other: what does not fit together yet does in a moment.
    if (trouble === error.message) log.debug('certificate not renewed', { reason: error.message })
    else log.warn('certificate not renewed', { reason: error.message })
    trouble = error.message
  }
  if (known !== undefined) await comparePublished(known).catch(failed)
  for (; !signal.aborted; await pause(lookEveryMs, signal)) await look().catch(failed)
}
