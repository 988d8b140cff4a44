import { join } from 'node:path'
import type { Address, Hex } from '@pontage/shared'
import { createSender, type Identity } from '@pontage/shared/node'
import type { TransactionDescription } from 'ethers'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startTestChain, type TestChain, tokens } from '../app/world.fixture.js'
import { startPostgres } from '../postgres.fixture.js'
import { seeded } from './books.fixture.js'
import { type Market, openMarket } from './market.fixture.js'
import { deathPoints } from './orders.fixture.js'
import { type Victim, Victims } from './victims.fixture.js'

// Kills hubs under load, half of them between a record and its effect, and compares what they say after each restart
// with books kept outside; two processes on one database half as often. CHAOS_KILLS and CHAOS_SEED choose how often, and what happens.

const kills = Number(process.env.CHAOS_KILLS ?? 20)
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Milliseconds a hub is given to come to the place where it is to die. */
const patienceMs = 10_000

vi.setConfig({ testTimeout: 300_000 + kills * 20_000, hookTimeout: 120_000 })

let world: TestChain
let hub: Identity
let victims: Victims

beforeEach(async () => {
  world = await startTestChain()
  victims = new Victims()
  hub = await world.person('chaos hub', { tokens: '2000', coin: '100' })
  await world.register(hub, 'hub', '1000')
  const sender = createSender(world.chain, hub)
  await sender.send(world.chain.token.approve.populateTransaction(world.deployment.channels, tokens('1')))
  await sender.send(world.chain.channels.fund.populateTransaction(hub.address, tokens('1')))
})
afterEach(async () => {
  await victims.close()
  await world.close()
})

it('loses, doubles and over-promises nothing, whenever it is killed (SQLite, one process)', async () => {
  await survive(join(world.folder, 'chaos.sqlite'), 1, kills)
})

it('loses, doubles and over-promises nothing when one of two processes is killed (PostgreSQL)', async () => {
  const server = await startPostgres()
  try {
    await survive(await server.database(), 2, Math.ceil(kills / 2))
  } finally {
    // Nobody may wait for a server that is gone.
    await victims.close()
    await server.stop()
  }
})

/** @param atOnce - Hubs that serve at the same time on one ledger. */
async function survive(ledger: string, atOnce: number, kills: number): Promise<void> {
  console.log(`chaos: seed ${seed}, ${kills} kills`)
  const random = seeded(seed)
  const ports = new Map<Victim, number>()
  const market = await openMarket(world, hub, () => [...ports.values()], random)
  const firstBlock = (await world.chain.head()).number + 1
  const stop = new AbortController()
  const running = market.run(stop.signal)
  running.catch(() => undefined)
  const orders = {
    rpc: world.rpcUrl,
    deploymentFile: world.deploymentFile,
    key: hub.privateKey.hex(),
    ledger,
  }
  const dead = { aimed: 0, random: 0 }
  const alive: Victim[] = []
  let shot: Victim | undefined

  const begin = async (isAimed: boolean): Promise<void> => {
    const after = deathPoints[Math.floor(random() * deathPoints.length)] ?? 'credit'
    const death = { after, times: 1 + Math.floor(random() * 4) }
    const victim = victims.start({ ...orders, ...(isAimed ? { death } : {}) })
    alive.push(victim)
    const port = await victim.port
    if (port !== undefined) ports.set(victim, port)
  }
  const bury = async (victim: Victim): Promise<void> => {
    expect(await victim.death).toBe('SIGKILL')
    ports.delete(victim)
    alive.splice(alive.indexOf(victim), 1)
    if (victim.isAimed && victim !== shot) dead.aimed++
    else dead.random++
  }

  const half = Math.ceil(kills / 2)
  for (let round = 0; dead.aimed < half || dead.random < half; round++) {
    expect(round, 'rounds').toBeLessThan(4 * kills)
    while (alive.length < atOnce) await begin(dead.aimed <= dead.random)
    const [victim] = alive
    if (!victim) throw new Error('No hub is alive.')
    const answersFirst = market.books.answers + Math.floor(random() * 40)
    const dies = victim.death.then(() => true)
    const died = await (victim.isAimed
      ? Promise.race([dies, later(patienceMs)])
      : Promise.race([dies, reached(() => market.books.answers >= answersFirst)]))
    shot = died ? undefined : victim
    shot?.kill()
    await bury(victim)
    for (const each of [...alive]) if (each.isDead) await bury(each)
    expect(market.books.broken, `seed ${seed}`).toEqual([])
  }

  stop.abort()
  while (alive.length < atOnce) await begin(false)
  await running
  await market.clearAll()
  console.log(
    `chaos: ${dead.aimed} killed between a record and its effect, ${dead.random} at any moment; ${market.books.answers} answers, ${market.transactions.size} papers relayed or concluded`,
  )
  await checkBooks(market)
  await checkChain(firstBlock, market.transactions)
}

/** Resolves once the hubs have answered enough, or were given long enough to. */
async function reached(holds: () => boolean): Promise<false> {
  const giveUpAt = Date.now() + patienceMs
  while (!holds() && Date.now() < giveUpAt) await later(5)
  return false
}

const later = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms))

/** Everything promised was credited exactly once, and every total that left is paid. */
async function checkBooks({ books, providers }: Market): Promise<void> {
  expect(books.broken, `seed ${seed}`).toEqual([])
  const { channels, registry } = world.chain
  const { feeBps } = await channels.hubOf(hub.address)
  for (const { address: provider, ...identity } of providers) {
    const last = books.totals.get(provider)
    if (!last) throw new Error(`Nothing was cleared for ${provider} (seed ${seed}).`)
    expect(last.total, `seed ${seed}`).toBe(books.promised.net(provider, Number(feeBps)))
    await createSender(world.chain, { address: provider, ...identity }).send(
      channels.redeem.populateTransaction({ hub: hub.address, provider, ...last }),
    )
    const [account] = await channels.accountsOf(hub.address, [provider])
    expect(account?.paid, `seed ${seed}`).toBe(last.total)
  }
  const { faults, debt } = await registry.standingOf(hub.address)
  expect([faults, debt], `seed ${seed}`).toEqual([0n, 0n])
}

/** Each of the hub's transactions took effect, in each of its parts: a second one of the same would not. */
async function checkChain(firstBlock: number, answered: ReadonlySet<Hex>): Promise<void> {
  const { rpc, channels } = world.chain
  const sent = new Set<string>()
  for (let number = firstBlock; number <= (await world.chain.head()).number; number++) {
    const block = await rpc.getBlock(number, true)
    for (const transaction of block?.prefetchedTransactions ?? []) {
      if ((transaction.from.toLowerCase() as Address) !== hub.address) continue
      const receipt = await rpc.getTransactionReceipt(transaction.hash)
      sent.add(transaction.hash)
      const events = receipt?.logs.map((entry) => channels.interface.parseLog(entry)?.name) ?? []
      const call = channels.interface.parseTransaction(transaction)
      const wanted = drawsIn(call)
      const seen = wanted > 0 ? events.filter((name) => name === 'Drawn').length : events.length
      expect([call?.name, receipt?.status, seen >= Math.max(1, wanted)], `seed ${seed}`).toEqual([
        call?.name,
        1,
        true,
      ])
    }
  }
  for (const transaction of answered) expect(sent.has(transaction), `seed ${seed}`).toBe(true)
}

/** How many draws a call of the hub's asks for; none when it does something else. */
function drawsIn(call: TransactionDescription | null): number {
  if (call?.name === 'drawBatch') return call.args.slips.length
  if (call?.name !== 'drawBatches') return 0
  return call.args.batches.reduce((sum: number, { slips }: { slips: unknown[] }) => sum + slips.length, 0)
}
