import { join } from 'node:path'
import { channelIdOf, finalState, unixSeconds, wei } from '@pontage/shared'
import { signChannelState, signPermit } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Ledger, LedgerUnavailable } from '../io/ledger.js'
import { openSqliteLedger } from '../io/sqlite/sqliteLedger.js'
import { hubSettings, openChannel, startScene, startTestHub } from './hub.fixture.js'
import type { RunningHub } from './hub.js'
import { dial, requestOf, tokens } from './world.fixture.js'

let scene: Awaited<ReturnType<typeof startScene>>
let running: RunningHub
/** What of the ledger cannot be called. */
let gone = ''

/** A ledger that fails as one whose server goes. */
const failing = <Part extends object>(part: Part, prefix = ''): Part =>
  new Proxy(part, {
    get(on, name) {
      const member: unknown = Reflect.get(on, name)
      if (name === 'outbox') return failing(member as object, 'outbox.')
      if (gone !== `${prefix}${String(name)}`) return member
      return async () => {
        const cause = new Error('Connection terminated unexpectedly')
        throw new LedgerUnavailable(`The database cannot be used: ${cause.message}.`, { cause })
      }
    },
  })

beforeAll(async () => {
  scene = await startScene()
  const ledger: Ledger = await openSqliteLedger(join(scene.world.folder, 'outage.sqlite'))
  running = await startTestHub(scene.world, scene.hub, failing(ledger))
})
afterAll(async () => {
  await running.close()
  await scene.world.close()
})

it.each(['countRelayJob', 'outbox.add', 'outbox.find', 'recordRelayed'])(
  'says of a relay that its ledger is gone, and not that the chain would refuse it: %s',
  async (part) => {
    const { world, hub, consumer } = scene
    const { relayFee } = hubSettings
    const deadline = unixSeconds((await world.chain.head()).at + 3_600)
    const { nonce } = await world.chain.registry.standingOf(consumer.address)
    const terms = { consumer: consumer.address, hub: hub.address, channelNonce: 1, amount: tokens('1') }
    const deposit = world.typedData.signed(
      'Deposit',
      { ...terms, relayFee, nonce, deadline },
      consumer.privateKey,
    )
    const { registry } = world.deployment
    const permit = await signPermit(world.chain, consumer, registry, wei(tokens('1') + relayFee), deadline)
    await openChannel(world, consumer, hub.address, 1, '5').catch(() => undefined) // It is there after the first time.
    const link = await dial(world, consumer, running.port)
    const ask = () => link.request('relay-deposit', { deposit, permit })
    gone = part
    expect(await ask()).toMatchObject({ refusal: { peerCode: 'ledger-unavailable' } })
    gone = ''
    expect(await ask()).toMatchObject({ ok: true })
    link.close()
  },
)

it('says of a close that its ledger is gone, and concludes when it is back', async () => {
  const { world, hub, consumer } = scene
  await openChannel(world, consumer, hub.address, 2, '5')
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 2 }
  const link = await dial(world, consumer, running.port)
  const draft = await link.request('close-draft', { channel })
  if (!draft.ok) throw new Error('No draft.')
  const signature = await signChannelState(
    finalState(world.deployment, channel, draft.value),
    consumer.privateKey,
  )
  const conclude = () => link.request('conclude', { channel, ...draft.value, signature })
  gone = 'outbox.add'
  expect(await conclude()).toMatchObject({ refusal: { peerCode: 'ledger-unavailable' } })
  gone = ''
  expect(await conclude()).toMatchObject({ ok: true })
  link.close()
})

it('says that its ledger is gone, and not the chain, where it cannot write down what the chain shows', async () => {
  const { world, hub, consumer, provider } = scene
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 9 }
  const request = requestOf(world, consumer, channelIdOf({ chainId: 31_337 }, channel), provider.address, 1n)
  const link = await dial(world, provider, running.port)
  gone = 'applyChain'
  await world.rpc('evm_mine')
  expect(await link.request('guarantee', { channel, request })).toMatchObject({
    refusal: { peerCode: 'ledger-unavailable' },
  })
  const other = failing(await openSqliteLedger(join(world.folder, 'other.sqlite')))
  await expect(startTestHub(world, hub, other)).rejects.toThrow(LedgerUnavailable)
  gone = ''
  link.close()
})
