import type { Worker } from 'node:worker_threads'
import { type Address, address, type Hex, wei } from '@pontage/shared'
import { createIdentity, createTypedData, PrivateKey } from '@pontage/shared/node'
import { afterAll, expect, it } from 'vitest'
import type { AddressedPromise } from './signerBatch.js'
import { startSigners } from './signers.js'

const contract = (digit: string) => address(`0x${digit.repeat(40)}`)
const deployment = {
  chainId: 31_337,
  token: contract('1'),
  registry: contract('2'),
  channels: contract('3'),
  marketplace: contract('4'),
  fromBlock: 0,
}
const typedData = createTypedData(deployment)
const people = Array.from({ length: 3 }, (_, index) =>
  createIdentity(new PrivateKey(`${index + 1}1`.repeat(32))),
)
const provider = contract('5')
const signers = startSigners(deployment, 2)
afterAll(() => signers.close())

function promise(by: number, channel: number, amount: number): AddressedPromise & { by: Address } {
  const who = people[by % people.length]
  if (!who) throw new Error('There is nobody.')
  const document = {
    channelId: `0x${channel.toString(16).padStart(64, '0')}` as Hex,
    provider,
    amount: wei(BigInt(amount)),
  }
  return { ...document, signature: typedData.sign('MicroPromise', document, who.privateKey), by: who.address }
}

it('finds who signed each of many, in their order, whoever asks at once', async () => {
  const batches = [1, 7, 64, 65, 300].map((size) =>
    Array.from({ length: size }, (_, index) => promise(index, index, size)),
  )
  const found = await Promise.all(batches.map((batch) => signers.of(batch)))
  expect(found).toEqual(batches.map((batch) => batch.map(({ by }) => by)))
  expect(await signers.of([])).toEqual([])
})

it('finds nobody behind a malformed signature, and somebody else behind a changed promise', async () => {
  const good = promise(0, 1, 5)
  const spoilt = (at: number, byte: string): Hex =>
    `0x${good.signature.slice(2, 2 + 2 * at)}${byte}${good.signature.slice(4 + 2 * at)}`
  const highS: Hex = `0x${good.signature.slice(2, 66)}${'f'.repeat(64)}1b`
  const [v, zero, high, changed, still] = await signers.of([
    { ...good, signature: spoilt(64, '1d') },
    { ...good, signature: `0x${'00'.repeat(65)}` },
    { ...good, signature: highS },
    { ...good, amount: wei(6n) },
    good,
  ])
  expect([v, zero, high]).toEqual([undefined, undefined, undefined])
  expect(changed).not.toBe(good.by)
  expect(still).toBe(good.by)
})

it('tells apart promises that differ in the last byte of their signatures only', async () => {
  const first = promise(0, 9, 5)
  const flipped = first.signature.endsWith('1b') ? '1c' : '1b'
  const [same, other] = await signers.of([
    first,
    { ...first, signature: `${first.signature.slice(0, -2)}${flipped}` as Hex },
  ])
  expect(same).toBe(first.by)
  expect(other).not.toBe(first.by)
})

it('lets its threads end by themselves, at work as they are: one that is stopped can take the process with it', async () => {
  const codes: number[] = []
  const started = (worker: Worker) => worker.once('exit', (code) => codes.push(code))
  process.on('worker', started)
  const busy = startSigners(deployment, 2)
  const batch = Array.from({ length: 300 }, (_, index) => promise(index, index, index))
  await busy.of(batch)
  process.off('worker', started)
  const work = [busy.of(batch), busy.of(batch)].map((each) => each.catch(() => undefined))
  await busy.close()
  await Promise.all(work)
  // A thread that was terminated ends with 1.
  expect(codes).toEqual([0, 0])
})
