import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  type Clock,
  channelIdOf,
  type Params,
  type Refusal,
  type Result,
  roles,
  systemClock,
  unixSeconds,
  type Wei,
  wei,
} from '@pontage/shared'
import {
  type Chain,
  connectChain,
  createLog,
  createSender,
  createTypedData,
  type Identity,
  type Listening,
  listenLinks,
  permitArguments,
} from '@pontage/shared/node'
import { ZeroAddress } from 'ethers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Anvil, eventually, startAnvil } from '../../../../shared/src/node/chain/anvil.fixture.js'
import { monthOf } from '../../core/limits.js'
import { createCalendar } from '../../io/calendar.js'
import { type Journal, openJournal, readJournal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import { keepRefilled } from './refill.js'
import { createRefiller } from './refiller.js'
import { topUp } from './topUp.js'

// A channel that is refilled through a hub which says one thing and does another.

const token = 10n ** 18n
const log = createLog('test', 'error')
const refusal: Refusal = { code: 'relay-failed', reason: 'It says so' }

const tooLow = (signed: Wei): Refusal => ({
  ...{ code: 'relay-fee-too-low', fee: signed, quoted: wei(fee.wanted) },
})

let anvil: Anvil
let chain: Chain
let hub: Identity
let context: Context
let journal: Journal
let listening: Listening
let home: string
let stop: AbortController
let laterSeconds = 0
/** Whether the hub sends what it is given, and whether it says so, or that its fee has risen. */
let habit: { sends: boolean; admits: boolean; raises?: boolean }
let asked = 0
/** What it asks for sending; what it named before was less. */
let fee: { named: bigint; wanted: bigint }
/** What the journal on the disk had counted whenever the hub was given something. */
const counted: bigint[] = []

const clock: Clock = { ...systemClock, now: () => unixSeconds(systemClock.now() + laterSeconds) }
const told: string[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pontage-refill-'))
  anvil = await startAnvil()
  chain = await connectChain({ rpc: anvil.url, deploymentFile: anvil.deploymentFile, confirmations: 0 })
  hub = await anvil.person('hub')
  const identity = await anvil.person('consumer')
  const typedData = createTypedData(chain.deployment)
  context = { home, identity, chain, typedData, clock, calendar: createCalendar(clock), log }
  journal = await openJournal(home)
  listening = await listenLinks({
    ...{ host: '127.0.0.1', port: 0, log, self: { identity: hub, typedData, clock } },
    accept: () => ({ requests: { describe: describeHub, 'relay-deposit': relayDeposit } }),
  })
  const [bank] = await anvil.rpc<Address[]>('eth_accounts')
  for (const [who, amount] of [
    [hub, 1_000n],
    [identity, 100n],
  ] as const)
    await anvil.rpc('eth_sendTransaction', {
      ...{ from: bank, to: chain.deployment.token },
      data: chain.token.interface.encodeFunctionData('transfer', [who.address, amount * token]),
    })
  await register(hub, roles.hub, 1_000n)
  await register(identity, roles.consumer, 1n)
  const sender = createSender(chain, identity)
  await sender.send(chain.token.approve.populateTransaction(chain.deployment.channels, token))
  await sender.send(chain.channels.open.populateTransaction(hub.address, 1, token))
  // From here on it has none of the chain's coin.
  await anvil.rpc('anvil_setBalance', identity.address, '0x0')
  stop = new AbortController()
  ;[laterSeconds, asked, told.length, counted.length] = [0, 0, 0, 0]
  fee = { named: 1n, wanted: 1n }
})
afterEach(async () => {
  stop.abort()
  await listening.close()
  await journal.close()
  chain.close()
  await anvil.close()
  await rm(home, { recursive: true, force: true })
})

async function register(who: Identity, role: number, stake: bigint): Promise<void> {
  const sender = createSender(chain, who)
  await sender.send(chain.token.approve.populateTransaction(chain.deployment.registry, stake * token))
  const { registry } = chain
  await sender.send(
    registry.register.populateTransaction(
      role,
      stake * token,
      ZeroAddress,
      `ws://127.0.0.1:${listening.port}`,
    ),
  )
}

async function describeHub() {
  const fees = ['register', 'open', 'exit', 'deposit', 'repay', 'unbond', 'withdraw', 'collect']
  const relayFees = Object.fromEntries(
    fees.map((each) => [each, wei(fee.named)]),
  ) as Result<'describe'>['relayFees']
  const { chainId, channels } = chain.deployment
  const rest = { feeBps: 200, confirmations: 0, guaranteeSeconds: 3_600 }
  return { ok: true, value: { hub: hub.address, chainId, channels, relayFees, ...rest } } as const
}

async function relayDeposit({ deposit: { signature, ...deposit }, permit }: Params<'relay-deposit'>) {
  asked += 1
  const { usage } = await readJournal(home)
  counted.push(usage.addedIn(monthOf((await chain.head()).at)))
  if (deposit.relayFee < fee.wanted) {
    fee.named = fee.wanted
    return { ok: false, refusal: tooLow(deposit.relayFee) } as const
  }
  if (!habit.sends) return { ok: false, refusal } as const
  const call = chain.registry.depositFor.populateTransaction(deposit, permitArguments(permit), signature)
  const { transaction } = await createSender(chain, hub).send(call)
  if (habit.raises) return { ok: false, refusal: tooLow(deposit.relayFee) } as const
  return habit.admits ? ({ ok: true, value: { transaction } } as const) : ({ ok: false, refusal } as const)
}

const channel = () => {
  const parties = { consumer: context.identity.address, hub: hub.address, nonce: 1 }
  return { ...parties, channelId: channelIdOf(chain.deployment, parties) }
}
const balance = async () => (await chain.channels.channelOf(channel().channelId)).balance

/** One token whenever fewer than 50 are left, which is always. */
const wishes = (perMonth: bigint) => ({
  rule: { amount: wei(token), below: wei(50n * token), perMonth: wei(perMonth * token) },
  maxRelayFee: wei(token),
})
const keep = (perMonth: bigint) =>
  keepRefilled(
    context,
    journal,
    channel(),
    wishes(perMonth),
    { report: (_kind, message) => told.push(message), added: () => undefined },
    stop.signal,
  )

it('adds no more in a month than was allowed, though a hub denies what it sent', async () => {
  habit = { sends: true, admits: false }
  const kept = keep(1n)
  await eventually(() => asked > 1 || told.some((message) => message.includes('--top-up-limit')))
  expect(await balance()).toBe(2n * token)
  expect(asked).toBe(1)
  // Whatever kills the program from here on: it is on the disk.
  expect(counted).toEqual([token])
  stop.abort()
  await kept
}, 90_000)

it('counts what failed once, however often it is tried, and goes on in another month', async () => {
  habit = { sends: false, admits: true }
  const kept = keep(1n)
  await eventually(() => asked === 1 && told.length === 1)
  // The next attempt comes in another month, by whichever clock.
  laterSeconds = 40 * 86_400
  await anvil.rpc('evm_increaseTime', laterSeconds)
  await anvil.rpc('evm_mine')
  habit = { sends: true, admits: true }
  await eventually(() => told.length > 1)
  expect(told[1]).toMatch(/^Added 1 /)
  expect(await balance()).toBe(2n * token)
  stop.abort()
  await kept
}, 90_000)

it('keeps to the month of the chain, whatever the clock of the machine says', async () => {
  habit = { sends: true, admits: true }
  const refiller = createRefiller(context, journal, channel(), wishes(1n))
  expect(await refiller.add(wei(token))).toMatchObject({ balance: 2n * token })
  laterSeconds = 40 * 86_400
  expect(await refiller.add(wei(token))).toMatchObject({ because: expect.stringMatching(/--top-up-limit/) })
  expect(asked).toBe(1)
})

it('signs the fee of the moment where gas became dearer since the hub named it, and counts that once', async () => {
  habit = { sends: true, admits: true }
  fee = { named: 1n, wanted: 2n }
  const refiller = createRefiller(context, journal, channel(), wishes(1n))
  expect(await refiller.add(wei(token))).toMatchObject({ relayFee: 2n, balance: 2n * token })
  expect(counted).toEqual([token, token])
})

it('adds once what is added by hand, though a hub that sent it asks for a larger fee', async () => {
  habit = { sends: true, admits: false, raises: true }
  const added = topUp(context, { ...channel(), exitAt: 0 }, wei(token), { maxRelayFee: wei(token) })
  await expect(added).rejects.toThrow(/stays good for 30 minutes/)
  expect(asked).toBe(2)
  expect(await balance()).toBe(2n * token)
})
