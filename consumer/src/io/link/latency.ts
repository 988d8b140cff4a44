import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { connect as connectTls } from 'node:tls'
import type { Hex } from '@pontage/shared'
import { ecdhCurve, fingerprintOf, noCertificate } from '@pontage/shared/node'
import { firstToAnswer, resolveEndpoint } from './endpoint.js'

/** What is probed: where a provider is, and the fingerprint of the certificate behind it. */
export interface ProbeTarget {
  readonly endpoint: string
  readonly certificate: Hex
}

const timeoutMs = 3_000
/** Probed together. More would only wait for each other and look like a scan. */
const atOnce = 16
/** No further one is probed after that: whoever asks does not wait for a hundred that are gone. */
const probeForMs = 2_000

/**
 * Milliseconds that TCP takes to connect to each of them: one trip there and back. Undefined for one that does not
 * answer in time, or shows another certificate than the offer names; null for one that was not asked, since those before
 * it took too long. In their order.
 */
export async function measureLatencies(
  targets: readonly ProbeTarget[],
): Promise<(number | undefined | null)[]> {
  const measured: (number | undefined | null)[] = targets.map(() => null)
  const queue = targets.entries()
  const giveUpAt = performance.now() + probeForMs
  const worker = async (): Promise<void> => {
    for (const [index, target] of queue) {
      if (performance.now() > giveUpAt) return
      measured[index] = await latencyOf(target).catch(() => undefined)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, targets.length) }, worker))
  return measured
}

/** @throws Error when nobody is there, or somebody else. */
async function latencyOf({ endpoint, certificate }: ProbeTarget): Promise<number> {
  const where = await resolveEndpoint(endpoint)
  const signal = AbortSignal.timeout(timeoutMs)
  const begunAt = performance.now()
  const socket = await firstToAnswer(where, timeoutMs)
  try {
    const tookMs = performance.now() - begunAt
    const secure = connectTls({ socket, rejectUnauthorized: false, ecdhCurve })
    // Both fail when the line breaks; one is waited for, the other must not end the program.
    socket.on('error', () => {})
    await once(secure, 'secureConnect', { signal })
    const seen = secure.getPeerX509Certificate()
    const isExpected = certificate === noCertificate || (seen && fingerprintOf(seen.raw) === certificate)
    if (!isExpected) throw new Error('It presents a different certificate.')
    return tookMs
  } finally {
    socket.destroy()
  }
}
