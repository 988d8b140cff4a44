import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, logLines, type Market } from '../../world/index.js'
import { unitLogged } from '../furnish.js'
import { Neighbourhood } from '../neighbourhood.js'
import { bootServers, type Servers, sayOf, units } from '../serverMachine.js'
import { tellWhenFailed } from '../tellWhenFailed.js'

// A hub and a provider live in one machine, run by their units. Outside is another provider of that hub, and a consumer of each.

let market: Market
let servers: Servers
let outside: Neighbourhood

beforeAll(async () => {
  market = await createMarket()
  servers = await bootServers(market, async (hub, provider) => {
    outside = await Neighbourhood.settle(market, { hub, provider, customersHub: hub })
  })
})
tellWhenFailed(() => sayOf(market, servers))
afterAll(async () => {
  await servers?.machine.destroy()
  await market?.destroy()
})

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
  await outside.served()
  expect(await machine.run('ip -brief link show type wireguard')).not.toBe('')
})

test('killed, they are started again, and take up what stood', async () => {
  const { machine } = servers
  for (const unit of units) await machine.run(`systemctl kill --signal KILL ${unit}`)
  await servers.listening(2)
  expect(await machine.run('journalctl -b -u pontage-provider -o cat | grep -c "session resumed"')).toBe('1')
  await outside.served()
  // An emulated provider may come up later than a consumer waits for it; that one is connected anew then.
  const { connection } = outside.neighbour
  expect(connection && logLines(connection, ({ event }) => event === 'connected')).toHaveLength(1)
})

test('one that hangs is ended by its watchdog, started again, and serves', async () => {
  const { machine } = servers
  for (const unit of units) await machine.run(`systemctl kill --kill-whom main --signal STOP ${unit}`)
  for (const unit of units) console.log(unit, await unitLogged(machine, unit, 'Watchdog timeout'))
  await servers.listening(3)
  await outside.served()
})
