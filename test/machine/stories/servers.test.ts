import { address } from '@pontage/shared'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest'
import { createMarket, logLines, type Market, openProvider } from '../../world/index.js'
import { Customer } from '../customer.js'
import { bootServers, type Servers, units } from '../serverMachine.js'

// A hub and a provider live in one machine, run by their units. Outside is another provider of that hub, and a consumer of each.

let market: Market
let servers: Servers
let other: Awaited<ReturnType<typeof openProvider>>
/** Of the provider in the machine, and of the other one. */
let customer: Customer
let neighbour: Customer

beforeAll(async () => {
  market = await createMarket()
  servers = await bootServers(market, async (hub, provider) => {
    other = await openProvider(market, 'other', {
      ...{ price: '1/GB', country: 'FR', hubs: [hub.address], redeemAbove: '0.04', clearEvery: 5 },
      beneficiary: address(Wallet.createRandom().address),
    })
    customer = await Customer.seat(market, 'customer', { hub, provider })
    neighbour = await Customer.seat(market, 'neighbour', { hub, provider: other })
  })
})
beforeEach(() =>
  onTestFailed(async () => {
    console.error(market.world.lastWords())
    console.error(
      await servers.machine
        .run(`for unit in ${units.join(' ')}; do journalctl -u $unit -o cat | tail -n 40; done`)
        .catch(String),
    )
  }),
)
afterAll(async () => {
  await servers?.machine.destroy()
  await market?.destroy()
})

/** What the other provider holds with the hub's signature. */
const heldOutside = async (): Promise<bigint> => {
  const { hubs } = await other.json<{ hubs: { hubTotal: string }[] }>('status')
  return BigInt(hubs[0]?.hubTotal ?? 0)
}

/** Waits until both consumers have promised more, and the hub has promised the other provider more. */
async function served(): Promise<void> {
  const held = await heldOutside()
  const cleared = () => logLines(other.program, ({ message }) => message === 'cleared').length
  const before = cleared()
  await Promise.all([customer.connect(), neighbour.connect()])
  for (const each of [customer, neighbour]) {
    const spent = each.spent()
    await each.connection?.when(() => each.spent() > spent, 'a payment', 300_000)
  }
  await other.program.when(() => cleared() > before, 'the hub clears', 300_000)
  expect(await heldOutside()).toBeGreaterThan(held)
}

test('hub and provider work with what their units leave them', async () => {
  const { machine } = servers
  for (const unit of units)
    console.log(
      unit,
      await machine.run(
        `systemd-analyze verify ${unit}.service 2>&1; systemd-analyze --no-pager security ${unit} | tail -n 1`,
        120_000,
      ),
    )
  await served()
  expect(await machine.run('ip -brief link show type wireguard')).not.toBe('')
})

test('killed, they are started again, and take up what stood', async () => {
  const { machine } = servers
  for (const unit of units) await machine.run(`systemctl kill --signal KILL ${unit}`)
  await servers.listening(2)
  expect(await machine.run('journalctl -b -u pontage-provider -o cat | grep -c "session resumed"')).toBe('1')
  await served()
  // An emulated provider may come up later than a consumer waits for it; that one is connected anew then.
  const { connection } = neighbour
  expect(connection && logLines(connection, ({ event }) => event === 'connected')).toHaveLength(1)
})
