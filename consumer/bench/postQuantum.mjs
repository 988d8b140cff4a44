import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median } from './median.mjs'

// What the post-quantum half of a tunnel's key adds to connecting, on both ends together, in processes that have just begun, as a
// consumer's has. It travels in messages that are sent anyway.

if (process.argv[2] === '--once') {
  const signing = '../../shared/dist/node/signing'
  const { createKemKeys, createTunnelKey } = await import(`${signing}/tunnelKey.js`)
  const { lastingKem } = await import(`${signing}/mlKem.js`)
  const began = performance.now()
  const kem = process.argv[3] === 'library' ? await lastingKem({}) : undefined
  const consumer = await createKemKeys(kem)
  const provider = await createTunnelKey(consumer.encapsulationKey, kem)
  if (consumer.keyOf(provider.sent) === provider.sent.presharedKey) throw new Error('There is no such half.')
  console.log(performance.now() - began)
}

/**
 * @param {number} runs
 * @returns Milliseconds, medians: with what Node has itself where it does, and with the library.
 */
export const postQuantumMs = (runs) =>
  Object.fromEntries(
    ['own', 'library'].map((kem) => [kem, median(Array.from({ length: runs }, () => once(kem)))]),
  )

const once = (kem) =>
  Number(
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--once', kem], { encoding: 'utf8' }),
  )
