import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { performance } from 'node:perf_hooks'
import { connect as connectTls } from 'node:tls'
import type { Hex } from '@pontage/shared'
import { fingerprintOf } from '@pontage/shared/node'
import { resolveEndpoint } from './endpoint.js'

/** A provider's door: where it is, and the fingerprint of the certificate behind it. */
export interface Door {
  readonly endpoint: string
  readonly certificate: Hex
}

const timeoutMs = 3_000
/** Doors knocked at together. More would only wait for each other and look like a scan. */
const atOnce = 16

/**
 * Milliseconds that TCP takes to connect to each door: one trip there and back. Undefined for a door that does not
 * answer in time, or behind which another certificate is than the offer names. In their order.
 */
export async function measureLatencies(doors: readonly Door[]): Promise<(number | undefined)[]> {
  const measured: (number | undefined)[] = []
  const queue = doors.entries()
  const worker = async (): Promise<void> => {
    for (const [index, door] of queue) measured[index] = await latencyOf(door).catch(() => undefined)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, doors.length) }, worker))
  return doors.map((_door, index) => measured[index])
}

/** @throws Error when nobody is there, or somebody else. */
async function latencyOf({ endpoint, certificate }: Door): Promise<number> {
  const { address, tcpPort } = await resolveEndpoint(endpoint)
  const signal = AbortSignal.timeout(timeoutMs)
  const begunAt = performance.now()
  const socket = connectTcp({ host: address, port: tcpPort })
  try {
    await once(socket, 'connect', { signal })
    const tookMs = performance.now() - begunAt
    const secure = connectTls({ socket, rejectUnauthorized: false })
    // Both fail when the line breaks; one is waited for, the other must not end the program.
    socket.on('error', () => {})
    await once(secure, 'secureConnect', { signal })
    const seen = secure.getPeerX509Certificate()
    if (seen === undefined || fingerprintOf(seen.raw) !== certificate)
      throw new Error('It presents a different certificate.')
    return tookMs
  } finally {
    socket.destroy()
  }
}
