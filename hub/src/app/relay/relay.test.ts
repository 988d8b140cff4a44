import {
  address,
  type Document,
  type DocumentName,
  type Hex,
  type Params,
  unixSeconds,
  wei,
} from '@pontage/shared'
import { createSender, type Identity, type Link, signPermit } from '@pontage/shared/node'
import { AbiCoder, keccak256, toBeHex } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { fillPool, hubSettings, openChannel, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, promiseOf, requestOf, startTestChain, type TestChain, tokens } from '../world.fixture.js'

// Whatever a consumer does with its stake and its channels is sent by a hub, for a fee in tokens.

let world: TestChain
let hub: Identity
let consumer: Identity
let provider: Identity
let running: RunningHub
let link: Link
let channelId: Hex
let stage: string
const { relayFee } = hubSettings

beforeAll(async () => {
  world = await startTestChain()
  hub = await world.person('hub', { tokens: '5000', coin: '10' })
  consumer = await world.person('consumer', { tokens: '100', coin: '1' })
  provider = await world.person('provider', { tokens: '100', coin: '10' })
  await world.register(hub, 'hub', '1000')
  await world.register(provider, 'provider', '50')
  await world.register(consumer, 'consumer', '2')
  await fillPool(world, hub, '100')
  channelId = await openChannel(world, consumer, hub.address, 1, '5')
  // From here on it has none of the chain's coin.
  await world.rpc('anvil_setBalance', consumer.address, '0x0')
})
afterAll(() => world.close())
beforeEach(async ({ task }) => {
  stage = (await world.rpc('evm_snapshot')) as string
  // On a ledger of its own: what was sent before the chain went back is nothing that it waits for.
  running = await startTestHub(world, hub, `${task.id}.sqlite`)
  link = await dial(world, consumer, running.port)
})
afterEach(async () => {
  link.close()
  await running.close()
  await world.rpc('evm_revert', stage)
})

const soon = async () => unixSeconds((await world.chain.head()).at + 3_600)
const signed = <Name extends DocumentName>(name: Name, document: Document<Name>, by = consumer) =>
  world.typedData.signed(name, document, by.privateKey)
const permitFor = async (value: bigint) =>
  signPermit(world.chain, consumer, world.deployment.registry, wei(value), await soon())
const feeTerms = async (fee = relayFee) => ({
  relayFee: wei(fee),
  nonce: (await world.chain.registry.standingOf(consumer.address)).nonce,
  deadline: await soon(),
})
const tokensOf = (identity: Identity) => world.chain.token.balanceOf(identity.address)
const later = async (seconds: number | bigint) => {
  await world.rpc('evm_increaseTime', Number(seconds) + 1)
  await world.rpc('evm_mine')
}

async function depositRequest(amount: string, fee = relayFee): Promise<Params<'relay-deposit'>> {
  const { address } = consumer
  const terms = { consumer: address, hub: hub.address, channelNonce: 1, amount: tokens(amount) }
  const deposit = signed('Deposit', { ...terms, ...(await feeTerms(fee)) })
  return { deposit, permit: await permitFor(tokens(amount) + fee) }
}

async function unbondingRequest(amount: bigint, fee = relayFee): Promise<Params<'relay-unbond'>> {
  const unbonding = signed('Unbonding', {
    identity: consumer.address,
    amount: wei(amount),
    ...(await feeTerms(fee)),
  })
  return { unbonding, permit: await permitFor(fee) }
}

it('quotes a fee for each', async () => {
  const described = await link.request('describe', {})
  expect(described).toMatchObject({
    value: {
      relayFees: {
        deposit: relayFee,
        repay: relayFee,
        unbond: relayFee,
        withdraw: relayFee,
        collect: relayFee,
      },
    },
  })
})

it('adds to a channel, once, for the fee that was signed', async () => {
  const before = await tokensOf(hub)
  const had = await tokensOf(consumer)
  const asked = await depositRequest('3')
  const answers = await Promise.all([
    link.request('relay-deposit', asked),
    link.request('relay-deposit', asked),
  ])
  expect(answers[0]).toMatchObject({ ok: true })
  expect(answers[1]).toEqual(answers[0])
  expect(await link.request('relay-deposit', asked)).toEqual(answers[0])
  expect((await world.chain.channels.channelOf(channelId)).balance).toBe(tokens('8'))
  expect((await tokensOf(hub)) - before).toBe(relayFee)
  expect(had - (await tokensOf(consumer))).toBe(tokens('3') + relayFee)
})

it('stands behind what was added as soon as that is confirmed', async () => {
  const slow = await startTestHub(world, hub, 'slow.sqlite', { settings: { pollMs: 3_600_000 } })
  const [ofConsumer, ofProvider] = [
    await dial(world, consumer, slow.port),
    await dial(world, provider, slow.port),
  ]
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const guarantee = (ceiling: string) =>
    ofProvider.request('guarantee', {
      channel,
      request: requestOf(world, consumer, channelId, provider.address, tokens(ceiling)),
    })
  expect(await guarantee('5')).toMatchObject({ ok: true })
  expect(await guarantee('8')).toMatchObject({ refusal: { peerCode: 'insufficient-collateral' } })
  expect(await ofConsumer.request('relay-deposit', await depositRequest('3'))).toMatchObject({ ok: true })
  expect(await guarantee('8')).toMatchObject({ ok: true })
  ofConsumer.close()
  ofProvider.close()
  await slow.close()
})

it('sends none for less than its fee, for nobody else, nor what the chain would refuse', async () => {
  const sent = await world.chain.rpc.getTransactionCount(hub.address)
  const cheap = await depositRequest('3', wei(relayFee - 1n))
  expect(await link.request('relay-deposit', cheap)).toMatchObject({
    refusal: { peerCode: 'relay-fee-too-low' },
  })
  const { deposit, permit } = await depositRequest('3')
  const changed = { ...deposit, amount: tokens('4') }
  expect(await link.request('relay-deposit', { deposit: changed, permit })).toMatchObject({
    refusal: { peerCode: 'wrong-signer' },
  })
  const tooMuch = await depositRequest('1000')
  expect(await link.request('relay-deposit', tooMuch)).toMatchObject({
    refusal: { peerCode: 'relay-failed' },
  })
  expect(await world.chain.rpc.getTransactionCount(hub.address)).toBe(sent)
})

it('counts them in the daily limits, whichever they are', async () => {
  const limited = await startTestHub(world, hub, 'limited.sqlite', { settings: { relaysPerDay: 2 } })
  const other = await dial(world, consumer, limited.port)
  expect(await other.request('relay-deposit', await depositRequest('1'))).toMatchObject({ ok: true })
  expect(await other.request('relay-unbond', await unbondingRequest(tokens('1')))).toMatchObject({ ok: true })
  expect(await other.request('relay-unbond', await unbondingRequest(0n))).toMatchObject({
    refusal: { peerCode: 'relay-limit' },
  })
  other.close()
  await limited.close()
})

it('unbonds a stake, puts it back, and pays it out for a fee from what is paid', async () => {
  const { registry } = world.chain
  expect(await link.request('relay-unbond', await unbondingRequest(tokens('1')))).toMatchObject({ ok: true })
  expect((await registry.standingOf(consumer.address)).unbonding).toBe(tokens('1'))
  expect(await link.request('relay-unbond', await unbondingRequest(0n))).toMatchObject({ ok: true })
  expect((await registry.standingOf(consumer.address)).stake).toBe(tokens('2'))
  expect(await link.request('relay-unbond', await unbondingRequest(2n ** 256n - 1n))).toMatchObject({
    ok: true,
  })

  const withdrawal = async () => ({
    withdrawal: signed('StakeWithdrawal', { identity: consumer.address, ...(await feeTerms()) }),
  })
  expect(await link.request('relay-withdraw', await withdrawal())).toMatchObject({
    refusal: { peerCode: 'relay-failed' },
  })
  await later(await registry.unbondingDelay())
  const [before, had] = [await tokensOf(hub), await tokensOf(consumer)]
  expect(await link.request('relay-withdraw', await withdrawal())).toMatchObject({ ok: true })
  expect((await tokensOf(hub)) - before).toBe(relayFee)
  expect((await tokensOf(consumer)) - had).toBe(tokens('2') - relayFee)
})

it('repays a debt, and takes no more than is owed', async () => {
  const { registry, channels } = world.chain
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const promise = promiseOf(world, consumer, channelId, provider.address, tokens('20'))
  const alone = createSender(world.chain, provider)
  await alone.send(
    channels.protest.populateTransaction(channel, provider.address, promise.amount, promise.signature),
  )
  await later((await channels.settings()).protestWindow)
  await alone.send(channels.settleProtest.populateTransaction(channel, provider.address))
  const debt = await registry.debtOf(consumer.address)
  expect(debt).toBe(tokens('14'))

  const had = await tokensOf(consumer)
  const repayment = signed('Repayment', {
    ...{ consumer: consumer.address, hub: hub.address, channelNonce: 1, provider: provider.address },
    amount: tokens('15'),
    ...(await feeTerms()),
  })
  const permit = await permitFor(tokens('15') + relayFee)
  expect(await link.request('relay-repay', { repayment, permit })).toMatchObject({ ok: true })
  expect(await registry.debtOf(consumer.address)).toBe(0n)
  expect(had - (await tokensOf(consumer))).toBe(debt + relayFee)
})

it('pays out what the token withheld, to where its owner says, for a fee from that', async () => {
  const { channels, deployment } = world.chain
  // The token of this chain refuses nobody, so the contract is told that it did: the ninth of its fields.
  const place = keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'uint256'], [consumer.address, 8]))
  await world.rpc('anvil_setStorageAt', deployment.channels, place, toBeHex(tokens('4'), 32))
  expect((await channels.withheldOf(consumer.address)).amount).toBe(tokens('4'))
  const heir = address(`0x${'77'.repeat(20)}`)
  const collection = async (to = heir) =>
    signed('Collection', {
      ...{ owner: consumer.address, to, relayFee, deadline: await soon() },
      nonce: (await channels.withheldOf(consumer.address)).nonce,
    })
  const asked = await collection()
  expect(await link.request('relay-collect', { collection: { ...asked, to: hub.address } })).toMatchObject({
    refusal: { peerCode: 'wrong-signer' },
  })
  const before = await tokensOf(hub)
  expect(await link.request('relay-collect', { collection: asked })).toMatchObject({ ok: true })
  expect(await world.chain.token.balanceOf(heir)).toBe(tokens('4') - relayFee)
  expect((await tokensOf(hub)) - before).toBe(relayFee)
  expect(await link.request('relay-collect', { collection: await collection() })).toMatchObject({
    refusal: { peerCode: 'relay-failed' },
  })
})
