import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { type Hex, unixSeconds } from '../../units.js'
import type { Identity } from '../signing/identity.js'
import { type Anvil, eventually, startAnvil } from './anvil.fixture.js'
import { type Chain, connectChain } from './chain.js'
import { fillNonce } from './fillNonce.js'
import { intentOf, memoryOutbox, type Outbox } from './outbox.js'
import { roadTo } from './road.fixture.js'
import { createSender } from './sender.js'

let anvil: Anvil
let chain: Chain
let identity: Identity
let people = 0
let stop: AbortController
const background: Promise<unknown>[] = []

beforeAll(async () => {
  anvil = await startAnvil()
  chain = await connectChain({ rpc: anvil.url, deploymentFile: anvil.deploymentFile, confirmations: 2 })
})
afterAll(async () => {
  chain?.close()
  await anvil?.close()
})
beforeEach(async () => {
  identity = await anvil.person(`sender ${++people}`)
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await Promise.allSettled(background.splice(0))
  await anvil.rpc('evm_setAutomine', true)
  await anvil.rpc('anvil_mine', '0x4')
})

/** A transaction whose effect is counted: each one approves another amount. */
const approve = (amount: bigint) => chain.token.approve.populateTransaction(chain.deployment.channels, amount)
const allowance = () => chain.token.allowance(identity.address, chain.deployment.channels)
const count = () => chain.rpc.getTransactionCount(identity.address)
const mine = (blocks = 1) => anvil.rpc('anvil_mine', `0x${blocks.toString(16)}`)
const holdBlocks = () => anvil.rpc('evm_setAutomine', false)
const sender = (outbox?: Outbox) =>
  createSender(chain, identity, { ...(outbox ? { outbox } : {}), signal: stop.signal })
/** The transaction that waits in the node's pool for this identity, if any. */
async function pooled(): Promise<{ hash: Hex; maxFeePerGas: bigint; nonce: number } | undefined> {
  const { pending } = await anvil.rpc<{
    pending: Record<
      string,
      Record<string, { hash: Hex; maxFeePerGas?: string; gasPrice: string; nonce: string }>
    >
  }>('txpool_content')
  const own = Object.entries(pending).find(([who]) => who.toLowerCase() === identity.address)?.[1]
  const [first] = Object.values(own ?? {})
  return (
    first && {
      hash: first.hash,
      maxFeePerGas: BigInt(first.maxFeePerGas ?? first.gasPrice),
      nonce: Number(first.nonce),
    }
  )
}
const begin = <Value>(work: Promise<Value>): Promise<Value> => {
  background.push(work.catch(() => undefined))
  return work
}

it('is in a block when it returns, and the same intent is answered with the same transaction', async () => {
  const one = sender()
  const intent = intentOf('approve', '1')
  const sent = await one.send(approve(1n), intent)
  expect(await allowance()).toBe(1n)
  expect((await one.send(approve(1n), intent)).transaction).toBe(sent.transaction)
  expect(await count()).toBe(1)
})

it('records a transaction before it leaves', async () => {
  await holdBlocks()
  const outbox = memoryOutbox()
  const recorded: boolean[] = []
  const watched: Outbox = {
    ...outbox,
    async put(entry) {
      recorded.push((await pooled()) === undefined)
      return outbox.put(entry)
    },
  }
  const sending = begin(sender(watched).send(approve(2n)))
  await eventually(async () => (await pooled()) !== undefined)
  await mine()
  await sending
  expect(recorded[0]).toBe(true)
})

it('sends nothing that the chain would revert, and says why', async () => {
  const { channels } = chain
  const nothingDue = { hub: identity.address, provider: identity.address, total: 0n, signature: '0x' }
  await expect(sender().send(channels.redeem.populateTransaction(nothingDue))).rejects.toThrow(
    /^The contract refused: /,
  )
  expect(await count()).toBe(0)
})

it('says that gas is missing before anything is recorded as sent', async () => {
  await anvil.rpc('anvil_setBalance', identity.address, '0x1')
  const outbox = memoryOutbox()
  await expect(sender(outbox).send(approve(1n))).rejects.toThrow(
    `The account ${identity.address} has too little of the chain’s coin`,
  )
  expect((await outbox.open()).map(({ state }) => state)).toEqual(['wanted'])
})

it('offers more when blocks pass it over, with the same nonce, and lands once', async () => {
  await holdBlocks()
  const sending = begin(sender().send(approve(3n)))
  await eventually(async () => (await pooled()) !== undefined)
  const first = await pooled()
  // The market rises above what was offered, so that blocks go by without it.
  const dear = ((first?.maxFeePerGas ?? 0n) * 3n).toString(16)
  await anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${dear}`)
  await mine()
  await eventually(async () => ((await pooled())?.maxFeePerGas ?? 0n) > (first?.maxFeePerGas ?? 0n))
  const second = await pooled()
  expect(second?.nonce).toBe(first?.nonce)
  expect((second?.maxFeePerGas ?? 0n) * 8n).toBeGreaterThanOrEqual((first?.maxFeePerGas ?? 0n) * 9n)
  await eventually(async () => {
    await mine()
    return (await count()) === 1
  })
  const sent = await sending
  expect(sent.transaction).not.toBe(first?.hash)
  expect(await allowance()).toBe(3n)
})

it('never offers more than the ceiling, and lands when gas is cheap again', async () => {
  const ceiling = 3n * 10n ** 9n
  const thrifty = await connectChain({
    rpc: anvil.url,
    deploymentFile: anvil.deploymentFile,
    confirmations: 2,
    maxFeePerGas: ceiling,
  })
  try {
    await holdBlocks()
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', '0x3b9aca00')
    await mine()
    const sending = begin(createSender(thrifty, identity, { signal: stop.signal }).send(approve(4n)))
    await eventually(async () => (await pooled()) !== undefined)
    for (let blocks = 0; blocks < 5; blocks++) {
      await anvil.rpc('anvil_setNextBlockBaseFeePerGas', '0x12a05f2000')
      await mine()
      expect((await pooled())?.maxFeePerGas ?? 0n).toBeLessThanOrEqual(ceiling)
    }
    expect(await count()).toBe(0)
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', '0x3b9aca00')
    await eventually(async () => {
      await mine()
      return (await count()) === 1
    })
    await sending
  } finally {
    thrifty.close()
  }
})

it('sends again what a node dropped: the same signature', async () => {
  await holdBlocks()
  const sending = begin(sender().send(approve(5n)))
  await eventually(async () => (await pooled()) !== undefined)
  const first = await pooled()
  await anvil.rpc('anvil_dropTransaction', first?.hash)
  await mine()
  await eventually(async () => (await pooled())?.hash === first?.hash)
  await mine()
  expect((await sending).transaction).toBe(first?.hash)
  expect(await count()).toBe(1)
})

it('finds after a crash what it had sent, and sends nothing twice', async () => {
  await holdBlocks()
  const outbox = memoryOutbox()
  const intent = intentOf('approve', '6')
  const died = new AbortController()
  const before = begin(
    createSender(chain, identity, { outbox, signal: died.signal }).send(approve(6n), intent),
  )
  await eventually(async () => (await pooled()) !== undefined)
  const first = await pooled()
  died.abort()
  await expect(before).rejects.toThrow('is stopping')
  // The node forgot it too.
  await anvil.rpc('anvil_dropTransaction', first?.hash)
  const after = sender(outbox)
  const again = begin(after.send(approve(6n), intent))
  await eventually(async () => (await pooled())?.hash === first?.hash)
  const settled = begin(after.settleEarlier())
  await mine()
  expect((await again).transaction).toBe(first?.hash)
  await settled
  expect(await count()).toBe(1)
})

it('sends what was recorded and not signed when it crashed, unasked', async () => {
  const outbox = memoryOutbox()
  const { to, data } = await approve(7n)
  await outbox.add({
    intent: intentOf('approve', '7'),
    state: 'wanted',
    revision: 0,
    call: { to: to as never, data: data as Hex, value: '0' },
    versions: [],
  })
  void begin(sender(outbox).run(20, stop.signal))
  await eventually(async () => (await allowance()) === 7n)
  await mine(3)
  await eventually(async () => (await outbox.find(intentOf('approve', '7')))?.state === 'done')
  expect(await count()).toBe(1)
})

it('does again what another program took the nonce of', async () => {
  await holdBlocks()
  const outbox = memoryOutbox()
  const intent = intentOf('approve', '8')
  const sending = begin(sender(outbox).send(approve(8n), intent))
  await eventually(async () => (await pooled()) !== undefined)
  const first = await pooled()
  await anvil.rpc('anvil_dropTransaction', first?.hash)
  await anvil.rpc('anvil_impersonateAccount', identity.address)
  const { to, data } = await approve(1n)
  // The other program pays so much more that ours cannot take its place.
  const fees = { maxFeePerGas: '0x174876e800', maxPriorityFeePerGas: '0x174876e800' }
  await anvil.rpc('eth_sendTransaction', {
    from: identity.address,
    to,
    data,
    nonce: '0x0',
    gas: '0x186a0',
    ...fees,
  })
  await mine()
  await eventually(async () => {
    await mine()
    return (await count()) === 2
  })
  const { receipt } = await sending
  expect((await chain.rpc.getTransaction(receipt.hash))?.nonce).toBe(1)
  expect(await allowance()).toBe(8n)
  await anvil.rpc('anvil_stopImpersonatingAccount', identity.address)
})

it('sends nothing twice when one node took it silently and the other calls the nonce too low', async () => {
  const [first, second] = [await roadTo(anvil.url), await roadTo(anvil.url)]
  const both = await connectChain({
    rpc: [first.url, second.url],
    deploymentFile: anvil.deploymentFile,
    confirmations: 0,
  })
  try {
    first.swallows = ({ method }) => method === 'eth_sendRawTransaction'
    let hidden = true
    let looked = 0
    second.lie = ({ method }) => {
      if (!['eth_getTransactionReceipt', 'eth_getTransactionByHash'].includes(method)) return undefined
      looked += 1
      return hidden ? null : undefined
    }
    const sending = begin(createSender(both, identity, { signal: stop.signal }).send(approve(12n)))
    await eventually(async () => (await count()) === 1)
    // The second node shows the effect, and the transaction not yet, however often it is asked.
    const before = looked
    await eventually(async () => looked >= before + 20)
    hidden = false
    await sending
    expect(await count()).toBe(1)
    expect(await allowance()).toBe(12n)
  } finally {
    both.close()
    await Promise.all([first.cut(), second.cut()])
  }
})

it('fills a nonce that another program took and the pool forgot, so that what waits behind it lands', async () => {
  await holdBlocks()
  await anvil.rpc('anvil_impersonateAccount', identity.address)
  const foreign = await anvil.rpc<Hex>('eth_sendTransaction', {
    from: identity.address,
    to: identity.address,
    nonce: '0x0',
    gas: '0x5208',
  })
  const sending = begin(sender().send(approve(13n)))
  await eventually(async () => {
    const queue = await anvil.rpc<{ pending: Record<string, Record<string, unknown>> }>('txpool_content')
    const own = Object.entries(queue.pending).find(([who]) => who.toLowerCase() === identity.address)?.[1]
    return Object.keys(own ?? {}).length === 2
  })
  await anvil.rpc('anvil_dropTransaction', foreign)
  await eventually(async () => {
    await mine()
    return (await count()) === 2
  })
  await sending
  expect(await allowance()).toBe(13n)
  await anvil.rpc('anvil_stopImpersonatingAccount', identity.address)
})

it('offers no more for what waits behind another program’s transaction, and names that', async () => {
  const said: string[] = []
  const note = (message: string, details: object = {}) => {
    said.push(
      `${message} ${JSON.stringify(details, (_key, each) => (typeof each === 'bigint' ? `${each}` : each))}`,
    )
  }
  const log = { error: note, warn: note, info: note, debug: () => undefined }
  await anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(10n ** 9n).toString(16)}`)
  await mine()
  await holdBlocks()
  await anvil.rpc('anvil_impersonateAccount', identity.address)
  const foreign = await anvil.rpc<Hex>('eth_sendTransaction', {
    ...{ from: identity.address, to: identity.address, nonce: '0x0', gas: '0x5208' },
    ...{ maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x0' },
  })
  const intent = intentOf('approve', 'behind')
  const outbox = memoryOutbox()
  const one = createSender(chain, identity, { outbox, log, signal: stop.signal })
  const sending = begin(one.send(approve(15n), intent))
  await eventually(async () => (await outbox.find(intent))?.state === 'sent')
  // Dearer than the first offers, block after block, so that none takes it.
  for (let block = 0; block < 12; block++) {
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(20n * 10n ** 9n).toString(16)}`)
    await mine()
    const head = await anvil.rpc<Hex>('eth_blockNumber')
    await eventually(async () => Number(head) > 0 && (said.length > 0 || block === 0))
  }
  expect((await outbox.find(intent))?.versions).toHaveLength(1)
  const named = said.filter((line) => line.startsWith('a transaction of another program comes first'))
  expect(named).toHaveLength(1)
  expect(named[0]).toContain(`"nonce":0,"waiting":1,"account":"${identity.address}"`)
  // The offer taken: it is replaced, and what waits comes into a block.
  const filling = begin(fillNonce(chain, identity, 0))
  await eventually(async () => {
    await mine()
    return (await count()) === 2
  })
  expect(await filling).not.toBe(foreign)
  await sending
  expect(await allowance()).toBe(15n)
  await anvil.rpc('anvil_stopImpersonatingAccount', identity.address)
})

it('takes a base fee of zero for a base fee', async () => {
  await anvil.rpc('anvil_setNextBlockBaseFeePerGas', '0x0')
  await mine()
  expect((await chain.rpc.getBlock('latest'))?.baseFeePerGas).toBe(0n)
  await sender().send(approve(16n))
  expect(await allowance()).toBe(16n)
})

it('offers more when time passes though no block comes', async () => {
  await holdBlocks()
  const sending = begin(sender().send(approve(14n)))
  await eventually(async () => (await pooled()) !== undefined)
  const first = await pooled()
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 46_000)
  await eventually(async () => ((await pooled())?.maxFeePerGas ?? 0n) > (first?.maxFeePerGas ?? 0n))
  expect((await pooled())?.nonce).toBe(first?.nonce)
  vi.restoreAllMocks()
  await mine()
  await sending
  expect(await count()).toBe(1)
})

it('sends again what a reorganisation took out of its block', async () => {
  const outbox = memoryOutbox()
  const intent = intentOf('approve', '9')
  const one = sender(outbox)
  await mine(5)
  const sent = await one.send(approve(9n), intent)
  await holdBlocks()
  await anvil.rpc('anvil_reorg', 1, [])
  await eventually(async () => (await allowance()) === 0n)
  void begin(one.run(20, stop.signal))
  await eventually(async () => {
    await mine()
    return (await allowance()) === 9n
  })
  await eventually(async () => {
    await mine()
    return (await outbox.find(intent))?.state === 'done'
  })
  expect((await outbox.find(intent))?.outcome?.transaction).toBe(sent.transaction)
  expect(await count()).toBe(1)
})

it('leaves it to the writer among several processes, and reports what came of it', async () => {
  const outbox = memoryOutbox()
  const clerk = createSender(chain, identity, { outbox, isWriter: async () => false, signal: stop.signal })
  const sending = begin(clerk.send(approve(10n), intentOf('approve', '10')))
  await eventually(async () => (await outbox.open()).length === 1)
  expect(await count()).toBe(0)
  void begin(sender(outbox).run(20, stop.signal))
  expect((await sending).blockNumber).toBeGreaterThan(0)
  expect(await allowance()).toBe(10n)
})

it('forgets what was done long ago, and remembers what was done just now', async () => {
  const outbox = memoryOutbox()
  const long = intentOf('long ago')
  const call = { to: chain.deployment.token, data: '0x', value: '0' } as const
  await outbox.add({
    intent: long,
    state: 'done',
    revision: 0,
    call,
    versions: [],
    settledAt: unixSeconds(1),
  })
  const fresh = intentOf('approve', '11')
  await sender(outbox).send(approve(11n), fresh)
  void begin(sender(outbox).run(20, stop.signal))
  await eventually(async () => {
    await mine()
    return (await outbox.find(fresh))?.state === 'done'
  })
  await eventually(async () => (await outbox.find(long)) === undefined)
  expect((await outbox.find(fresh))?.settledAt).toBeGreaterThan(1)
})

it('sends each once when two programs with one key meet at every nonce', async () => {
  const programs = [sender(), sender()]
  const all = Promise.all(
    [1n, 2n, 3n, 4n].flatMap((amount) => programs.map((program) => program.send(approve(amount)))),
  )
  // Whose nonce it was is certain once blocks lie on it.
  let isDone = false
  void all.finally(() => {
    isDone = true
  })
  await eventually(async () => {
    await mine()
    return isDone
  })
  const sent = await all
  expect(new Set(sent.map(({ transaction }) => transaction)).size).toBe(8)
  expect(await count()).toBe(8)
})
