import { parentPort, workerData } from 'node:worker_threads'
import type { Deployment } from '@pontage/shared'
import { createTypedData, hexBlob } from '@pontage/shared/node'
import { readBatch, signerBytes } from './signerBatch.js'

// One thread of signers.ts: batches of promises come in, who signed each goes out, all zeros where nobody did.
const typedData = createTypedData(workerData as Deployment)

parentPort?.on('message', (batch: Uint8Array) => {
  const promises = readBatch(batch)
  const signers = Buffer.alloc(promises.length * signerBytes)
  promises.forEach(({ signature, ...promise }, index) => {
    const signer = typedData.recover('MicroPromise', promise, signature)
    if (signer !== undefined) signers.set(hexBlob(signer), index * signerBytes)
  })
  parentPort?.postMessage(signers)
})
