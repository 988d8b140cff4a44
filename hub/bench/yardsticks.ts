import { createRequire } from 'node:module'
import { type Address, address, documents, solidityType, wei } from '@pontage/shared'
import { createTypedData, type TypedData } from '@pontage/shared/node'
import { verifyTypedData } from 'ethers'
import { consumerOf, promiseAt, providerAt } from './crowd.js'

/** What one core does each second, this program's work and ethers', on the same papers. */
export interface Yardsticks {
  /** Digest and recovery of a micro-promise, as the hub does it. */
  readonly nativeRecoverPerSecond: number
  /** The same by ethers. */
  readonly ethersRecoverPerSecond: number
  /** The bare curve: recovering a key, and checking against a known one. */
  readonly bareRecoverPerSecond: number
  readonly bareVerifyPerSecond: number
}

const contract: Address = address(`0x${'33'.repeat(20)}`)
const deployment = {
  ...{ chainId: 31_337, token: contract, registry: contract, channels: contract, marketplace: contract },
  fromBlock: 0,
}
const domain = { name: 'Pontage', version: '1', chainId: 31_337, verifyingContract: contract }
const types = {
  MicroPromise: Object.entries(documents.MicroPromise.fields).map(([name, type]) => ({
    name,
    type: solidityType(type),
  })),
}

/** Measures each way over so many `papers`. @throws Error where ethers reads another signer from a paper. */
export function measureYardsticks(count = 4_000): Yardsticks {
  const typedData = createTypedData(deployment)
  const provider = providerAt(0).address
  const papers = Array.from({ length: count }, (_, index) => ({
    provider,
    ...promiseAt(typedData, index, provider, wei(BigInt(index + 1))),
  }))
  for (const [index, { signature, ...promise }] of papers.slice(0, 10).entries()) {
    const signer = verifyTypedData(domain, types, promise, signature).toLowerCase()
    if (signer !== consumerOf(index).address) throw new Error('The libraries disagree on who signed.')
  }
  return {
    nativeRecoverPerSecond: rate(papers, ({ signature, ...promise }) =>
      typedData.recover('MicroPromise', promise, signature),
    ),
    ethersRecoverPerSecond: rate(papers.slice(0, 300), ({ signature, ...promise }) =>
      verifyTypedData(domain, types, promise, signature),
    ),
    ...bare(typedData, papers),
  }
}

function bare(
  typedData: TypedData,
  papers: readonly Parameters<typeof typedData.digest<'MicroPromise'>>[1][],
) {
  const curve = createRequire(import.meta.url)('secp256k1/bindings.js')
  const ready = (papers as readonly ((typeof papers)[number] & { signature: string })[]).map((paper) => {
    const raw = Buffer.from(paper.signature.slice(2), 'hex')
    const digest = typedData.digest('MicroPromise', paper)
    const recovery = (raw[64] ?? 27) - 27
    return {
      digest,
      raw: raw.subarray(0, 64),
      recovery,
      key: curve.ecdsaRecover(raw.subarray(0, 64), recovery, digest),
    }
  })
  return {
    bareRecoverPerSecond: rate(ready, ({ raw, recovery, digest }) =>
      curve.ecdsaRecover(raw, recovery, digest),
    ),
    bareVerifyPerSecond: rate(ready, ({ raw, digest, key }) => curve.ecdsaVerify(raw, digest, key)),
  }
}

/** Times a second that `work` is done, after a first round to warm up. */
function rate<Item>(items: readonly Item[], work: (item: Item) => unknown): number {
  for (const item of items.slice(0, items.length / 4)) work(item)
  const began = performance.now()
  for (const item of items) work(item)
  return Math.round(items.length / ((performance.now() - began) / 1_000))
}
