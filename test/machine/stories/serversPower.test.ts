import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, type LogLine, logLines, type Market, openHub, type Person } from '../../world/index.js'
import { homesAsFound, keepHomesAside } from '../asFound.js'
import { cuts, momentsOf, seed } from '../moments.js'
import { Neighbourhood } from '../neighbourhood.js'
import { bootServers, homes, type Servers, sayOf, units } from '../serverMachine.js'
import { tellWhenFailed } from '../tellWhenFailed.js'

// The plug is pulled on a machine with a hub and a provider, half of the times while both serve and half while they start.
// Outside, where the power stays, others hold what had left it: another provider holds promises of that hub, another hub those
// that the provider cleared there, and the provider's customer what it was confirmed.

let market: Market
let servers: Servers
let outside: Neighbourhood
let otherHub: Person

beforeAll(async () => {
  market = await createMarket()
  otherHub = await openHub(market, 'elsewhere', { pool: '100', drawAbove: '0.04' })
  servers = await bootServers(
    market,
    async (hub, provider) => {
      outside = await Neighbourhood.settle(market, { hub, provider, customersHub: otherHub })
    },
    [otherHub.address],
  )
  await keepHomesAside(servers.machine)
})
tellWhenFailed(() => sayOf(market, servers))
afterAll(async () => {
  await servers?.machine.destroy()
  await market?.destroy()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What left the provider in the machine as the other hub has it, in wei. */
async function clearedElsewhere(): Promise<bigint> {
  const { channels } = await otherHub.json<{
    channels: { providers: { provider: string; cleared: string }[] }[]
  }>('channels')
  const tabs = channels.flatMap(({ providers }) => providers)
  return BigInt(tabs.find(({ provider }) => provider === servers.provider.address)?.cleared ?? 0)
}

/** Highest total that the provider in the machine has confirmed to its customer. */
function confirmed(): bigint {
  const { connection } = outside.customer
  const said = connection ? logLines(connection, ({ event }) => event === 'reconnecting') : []
  return said.map(({ accepted }: LogLine) => BigInt(String(accepted))).reduce((a, b) => (a > b ? a : b), 0n)
}

test(
  'after a power cut no total is lower than one that had left, and hub and provider go on',
  async () => {
    const { machine, hub } = servers
    const moments = momentsOf(seed)
    /** Sessions that were running when the machine was cut last. */
    let interrupted: readonly string[] = []
    const serving = async () => {
      await servers.listening()
      const log = await machine.run('journalctl -b -u pontage-provider -o cat')
      const over = log.split('\n').filter((line) => /session (resumed|ended)/.test(line))
      expect(interrupted.filter((id) => !over.some((line) => line.includes(id)))).toEqual([])
      await outside.served()
    }
    for (let cut = 1; cut <= cuts; cut += 1) {
      const began = Date.now()
      const isServing = cut % 2 === 1
      if (isServing) await serving()
      const wait = Math.round(moments.next().value * (isServing ? 12_000 : 30_000))
      await pause(wait)
      await machine.cut()
      const held = await outside.heldOutside()
      const cleared = await clearedElsewhere()
      await machine.powerOn()
      const found = await homesAsFound(market, machine, hub)
      const standings = await found.standings()
      const total = BigInt(standings.find((each) => each.provider === outside.other.address)?.total ?? 0)
      const { hubs, sessions } = await found.status()
      const promised = BigInt(hubs.find((each) => each.hub === otherHub.address)?.promised ?? 0)
      interrupted = sessions.filter(({ ending }) => !ending).map(({ id }) => id)
      await found.examineHub()
      await found.forget()
      console.log(
        `seed ${seed}, cut ${cut} after ${wait} ms ${isServing ? 'serving' : 'starting'}: hub ${total} in the ledger, ` +
          `${held} held outside; provider ${promised} in the store, ${cleared} cleared elsewhere, ` +
          `${confirmed()} confirmed, ${interrupted.length} sessions interrupted; ${Math.round((Date.now() - began) / 1_000)} s`,
      )
      expect(total).toBeGreaterThanOrEqual(held)
      expect(promised).toBeGreaterThanOrEqual(cleared)
      expect(promised).toBeGreaterThanOrEqual(confirmed())
    }
    await serving()
    for (const unit of units)
      console.log(
        await machine.run(
          `${unit} --home ${homes[unit]} doctor --password-file /etc/pontage/${unit.slice(8)}-password`,
          240_000,
        ),
      )
  },
  600_000 + cuts * 300_000,
)
