import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest'
import { createMarket, type Market, type Person } from '../../world/index.js'
import {
  asConsumer,
  beginDownload,
  bootConsumer,
  connectIn,
  heldBy,
  journalledIn,
} from '../consumerMachine.js'
import type { Machine } from '../machine.js'
import { cuts, momentsOf, seed } from '../moments.js'

// The plug is pulled on a consumer, half of the times while it downloads and half while it connects. PONTAGE_CUTS and
// PONTAGE_SEED ask for more of it, or for the same again.

let market: Market
let machine: Machine
let provider: Person

beforeAll(async () => {
  market = await createMarket()
  // Whoever is cut off again and again has no credit left, and pays before anything passes: emulated, that may take a minute.
  const booted = await bootConsumer(market, ['--grace', '120'])
  machine = booted.machine
  provider = booted.provider
})
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test(
  'after a power cut nothing is forgotten that was signed, and unlock gives the network back',
  async () => {
    const moments = momentsOf(seed)
    for (let cut = 1; cut <= cuts; cut += 1) {
      const isConnected = cut % 2 === 1
      if (isConnected) expect(await connectIn(machine)).toContain('"wireguard":"kernel"')
      else await machine.run('systemctl start --no-block pontage')
      const download = beginDownload(market, machine)
      const wait = Math.round(moments.next().value * 12_000)
      await pause(wait)
      await machine.cut()
      await download
      const before = await heldBy(provider)
      await machine.powerOn()
      const unlocked = await machine.run(`${asConsumer} pontage unlock`, 120_000)
      const after = await journalledIn(machine)
      console.log(
        `seed ${seed}, cut ${cut} after ${wait} ms ${isConnected ? 'connected' : 'connecting'}: ` +
          `${before} held by the provider, ${after} in the journal; ${unlocked}`,
      )
      expect(after).toBeGreaterThanOrEqual(before)
      expect(await machine.run(`curl -sS --fail --max-time 20 ${market.internet.addressUrl}`)).toBe(
        machine.host.address,
      )
      expect(await machine.run('nft list tables; cat /etc/resolv.conf')).not.toMatch(/pontage/)
    }
    expect(await connectIn(machine)).toContain('"wireguard":"kernel"')
    expect(await heldBy(provider)).toBeGreaterThan(0n)
  },
  300_000 + cuts * 300_000,
)
