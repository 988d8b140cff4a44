import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, eventually, type Market } from '../../../world/index.js'
import { Neighbourhood } from '../../neighbourhood.js'
import { feed, scarce, starve } from '../../scarce.js'
import { bootServers, homes, type Servers, sayOf, units } from '../../serverMachine.js'
import { tellWhenFailed } from '../../tellWhenFailed.js'

// A machine with a hub and a provider runs short of something while both serve.

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

/** The process of a unit; 0 where none runs. */
const processOf = async (unit: string): Promise<number> =>
  Number(await servers.machine.run(`systemctl show --property MainPID --value ${unit}`))

test.each(Object.entries(scarce))(
  '%s stops what cannot be written, and forgets nothing',
  async (_, { strikes, ends, isLasting }) => {
    const { machine } = servers
    const held = await outside.served()
    const hub = await processOf('pontage-hub')
    await machine.run(strikes, 120_000)
    const readyz = 'curl -sk --max-time 10 -o /dev/null -w "%{http_code}" https://127.0.0.1:7700/readyz'
    const health = async () => (await machine.attempt(readyz)).stdout
    await eventually('the hub says that it cannot write', async () => (await health()) === '503', 180_000)
    await ends(machine)
    await eventually('it is ready by itself', async () => (await health()) === '200', 300_000)
    if (!isLasting) {
      expect(await processOf('pontage-hub')).toBe(hub)
      // A provider that cannot write ends, and after some starts in vain it waits for a person.
      console.log(await machine.run('systemctl is-active pontage-provider || true'))
      await machine.run('systemctl reset-failed pontage-provider; systemctl start pontage-provider', 120_000)
    }
    expect(await outside.served()).toBeGreaterThan(held)
  },
)

test('too little memory kills them, and they are started again and go on', async () => {
  const { machine } = servers
  const held = await outside.served()
  for (const unit of units) {
    const before = await processOf(unit)
    await machine.run(starve(unit), 120_000)
    await machine.run(feed(unit))
    await eventually('it is started again', async () => ![0, before].includes(await processOf(unit)), 60_000)
  }
  expect(await outside.served()).toBeGreaterThan(held)
  for (const unit of units)
    console.log(
      await machine.run(
        `${unit} --home ${homes[unit]} doctor --password-file /etc/pontage/${unit.slice('pontage-'.length)}-password`,
        240_000,
      ),
    )
})
