import { parentPort, workerData } from 'node:worker_threads'
import type { Deployment } from '@pontage/shared'
import { createTypedData, writeHex } from '@pontage/shared/node'
import { readBatch, signerBytes } from './signerBatch.js'

// One thread of signers.ts: batches of promises come in, who signed each goes out, all zeros where nobody did.
// A message of nothing ends it.
const typedData = createTypedData(workerData as Deployment)

parentPort?.on('message', (raw: Uint8Array | undefined) => {
  if (!raw) return parentPort?.close()
  const batch = readBatch(raw)
  const signers = Buffer.alloc(batch.length * signerBytes)
  batch.forEach(({ words, signature }, index) => {
    const signer = typedData.recoverPacked('MicroPromise', words, signature)
    if (signer !== undefined) writeHex(signers, signer, index * signerBytes, signerBytes)
  })
  parentPort?.postMessage(signers)
})
