import { address } from '@pontage/shared'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  logLines,
  type Market,
  openProvider,
  type Person,
} from '../../world/index.js'
import { Customer } from '../customer.js'
import { cuts, momentsOf, seed } from '../moments.js'
import { bootServers, type Servers, units } from '../serverMachine.js'

// A hub and a provider live in one machine, so that one cut takes both. Outside is another provider of that hub, and a consumer
// of each: what they hold had left the machine. PONTAGE_CUTS and PONTAGE_SEED ask for more cuts, or for the same again.

let market: Market
let servers: Servers
let other: Person
/** Of the provider in the machine, and of the other one. */
let customer: Customer
let neighbour: Customer

beforeAll(async () => {
  market = await createMarket()
  servers = await bootServers(market)
  const { hub, provider } = servers
  other = await openProvider(market, 'other', {
    ...{ price: '1/GB', country: 'FR', hubs: [hub.address], redeemAbove: '0.02', clearEvery: 2 },
    beneficiary: address(Wallet.createRandom().address),
  })
  customer = await Customer.seat(market, 'customer', { hub, provider })
  neighbour = await Customer.seat(market, 'neighbour', { hub, provider: other })
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
async function served(timeoutMs = 300_000): Promise<void> {
  const before = await Promise.all([customer.promised(), neighbour.promised(), heldOutside()])
  await Promise.all([customer.connect(), neighbour.connect()])
  await eventually(
    'both consumers are served, and the hub clears',
    async () => {
      const now = await Promise.all([customer.promised(), neighbour.promised(), heldOutside()])
      return now.every((amount, at) => amount > (before[at] ?? 0n))
    },
    timeoutMs,
  )
}

/** What was paid on chain, beside what the hub's ledger says. */
const onChain = async (provider: Person): Promise<bigint> =>
  (await market.chain.channels.accountOf(servers.hub.address, provider.address)).paid

test('hub and provider start at boot and work with what their units leave them', async () => {
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

test('killed, they are started again, and sessions go on where they stood', async () => {
  const { machine } = servers
  for (const unit of units) await machine.run(`systemctl kill --signal KILL ${unit}`)
  await servers.listening(2)
  expect(await machine.run('journalctl -b -u pontage-provider -o cat | grep -c "session resumed"')).toBe('1')
  await served()
  for (const { connection } of [customer, neighbour])
    expect(connection && logLines(connection, ({ event }) => event === 'connected')).toHaveLength(1)
})

test(
  'a power cut takes back nothing that had left the machine, and both serve again by themselves',
  async () => {
    const { machine, hub, provider } = servers
    const moments = momentsOf(seed)
    for (let cut = 1; cut <= cuts; cut += 1) {
      // Half of the cuts come while everything is paid for, the others while it comes up again.
      if (cut % 2 === 1) await served()
      const wait = Math.round(moments.next().value * 10_000)
      await new Promise((resolve) => setTimeout(resolve, wait))
      await machine.cut()
      if (cut % 2 === 1 && customer.connection) await logged(customer.connection, 'reconnecting', {}, 60_000)
      const held = await heldOutside()
      await machine.powerOn()
      await servers.listening()
      const { ledger, promised, hubTotal } = await servers.books()
      console.log(
        `seed ${seed}, cut ${cut} after ${wait} ms: the hub promised ${ledger.get(other.address)?.total}, ${held} are held outside; ` +
          `the provider was promised ${promised}, and had confirmed ${customer.accepted()}`,
      )
      expect(ledger.get(other.address)?.total ?? 0n).toBeGreaterThanOrEqual(held)
      expect(ledger.get(provider.address)?.total ?? 0n).toBeGreaterThanOrEqual(hubTotal)
      expect(promised).toBeGreaterThanOrEqual(customer.accepted())
      for (const each of [provider, other])
        expect(ledger.get(each.address)?.total ?? 0n).toBeGreaterThanOrEqual(await onChain(each))
    }
    await served()
    for (const each of [provider, other]) {
      expect(await onChain(each)).toBeGreaterThan(0n)
      await eventually(
        'the ledger agrees with the chain',
        async () => (await servers.books()).ledger.get(each.address)?.paid === (await onChain(each)),
        120_000,
      )
    }
    console.log(
      await machine.run(
        `runuser -u pontage-hub -- pontage-hub doctor --home /var/lib/pontage-hub || true`,
        120_000,
      ),
    )
    expect(hub.address).toMatch(/^0x/)
  },
  600_000 + cuts * 300_000,
)

test('one that hangs is killed and started again', async () => {
  const { machine } = servers
  for (const unit of units)
    await machine.run(
      `
      mkdir -p /run/systemd/system/${unit}.service.d
      printf '[Service]\\nWatchdogSec=60\\n' >/run/systemd/system/${unit}.service.d/watchdog.conf
      systemctl daemon-reload
      systemctl restart ${unit}`,
      300_000,
    )
  const times = Number(await machine.run('journalctl -b -u pontage-hub -o cat | grep -c \'"listening"\''))
  await servers.listening(times)
  for (const unit of units) await machine.run(`systemctl kill --signal STOP ${unit}`)
  await servers.listening(times + 1)
  for (const unit of units)
    expect(await machine.run(`journalctl -b -u ${unit} -o cat _PID=1`)).toContain('Watchdog timeout')
})

test('stopped, they end in order and leave the machine as it was', async () => {
  const { machine } = servers
  await machine.run(`systemctl stop ${units.join(' ')}`, 300_000)
  for (const unit of units) expect(await machine.run(`systemctl show -P Result ${unit}`)).toBe('success')
  expect(await machine.run('nft list tables; ip -brief link show type wireguard; ip netns')).toBe('')
  // Nothing but the package could open a machine that is locked down.
  await machine.run('pontage lockdown on; dpkg --remove pontage-all', 240_000)
  expect(await machine.run(`curl -sS --fail --max-time 20 ${market.internet.addressUrl}`)).toBe(
    machine.host.address,
  )
})
