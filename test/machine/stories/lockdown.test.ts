import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, eventually, type Market, type Person } from '../../world/index.js'
import { plumbing, prepareNoise, toProvider } from '../captured.js'
import {
  asConsumer,
  beginDownload,
  bootConsumer,
  connectIn,
  heldBy,
  journalledIn,
} from '../consumerMachine.js'
import type { Machine } from '../machine.js'
import { openNameServer } from '../names.js'
import { tellWhenFailed } from '../tellWhenFailed.js'

// Captured outside the machine, from power-on to power-off, while something in it tries to get out all the time, beside an
// nftables.service, which flushes all tables when it starts, is reloaded, and stops.

let market: Market
let hub: Person
let provider: Person
let machine: Machine

beforeAll(async () => {
  market = await createMarket()
  await openNameServer(market, market.testChain.host)
  const booted = await bootConsumer(market)
  machine = booted.machine
  hub = booted.hub
  provider = booted.provider
  await prepareNoise(machine, market.internet.host)
  await machine.run(`
    sed -i 's#^rpc:.*#rpc: http://chain.test:8545#' /var/lib/pontage/config.yaml
    systemctl --quiet enable machine-noise nftables`)
})

tellWhenFailed(() => machine.run('journalctl -b -u pontage -o cat | tail -n 30; nft list ruleset'))
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

const fetches = (url: string) => machine.attempt(`curl -sS --max-time 20 ${url}`)

/** Nothing else left it since it was powered on: what goes to the tunnel's other end, to chain and hub, and for their names. */
async function onlyOwn(): Promise<void> {
  const own = [
    `(dst host ${market.internet.host.address} and udp dst port 53)`, // Looked at below.
    `(dst host ${market.testChain.host.address} and tcp dst port 8545)`,
    `(dst host ${hub.host.address} and tcp dst port 7700)`,
    toProvider(provider.host),
  ]
  expect(await machine.sent(`not (${[plumbing, ...own].join(' or ')})`)).toEqual([])
  const questions = await machine.sent('dst port 53')
  expect(questions.length).toBeGreaterThan(0)
  expect(questions.filter((question) => !/ A(AAA)?\? chain\.test\./.test(question))).toEqual([])
}

test('without lockdown a machine talks; disconnect lifts it, and lockdown off ends it', async () => {
  await machine.run('systemctl start machine-noise')
  const packets = await eventually(
    'it was heard outside',
    async () => {
      const heard = await machine.sent('port 443')
      return heard.length > 5 && heard
    },
    60_000,
  )
  console.log(`control: ${packets.length} packets to port 443`)
  const pontage = (words: string) => machine.run(`${asConsumer} pontage ${words}`, 120_000)
  await pontage('lockdown on')
  expect((await fetches(market.internet.addressUrl)).code).not.toBe(0)
  await pontage('disconnect')
  expect((await fetches(market.internet.addressUrl)).stdout.trim()).toBe(machine.host.address)
  await pontage('lockdown off')
  expect(await machine.run('nft list tables; ls /etc/pontage /etc/systemd/system')).not.toMatch(/lockdown/)
  await pontage('lockdown on')
  await machine.shutDown()
})

test('with lockdown nothing but the tunnel leaves it, from power-on to power-off, connected or not', async () => {
  await machine.powerOn()
  expect(await machine.run(`${asConsumer} pontage status`, 120_000)).toContain('lockdown is on')
  expect((await fetches(market.internet.addressUrl)).code).not.toBe(0)
  for (const act of ['reload', 'restart', 'stop', 'start']) await machine.run(`systemctl ${act} nftables`)
  expect(await machine.sent(`not (${plumbing})`)).toEqual([])

  const connected = await connectIn(machine)
  console.log(connected)
  expect(connected).toContain('"wireguard":"kernel"')
  expect((await fetches(market.internet.addressUrl)).stdout.trim()).toBe(provider.host.address)
  await machine.run('systemctl stop pontage', 180_000)
  expect((await fetches(market.internet.addressUrl)).code).not.toBe(0)
  await machine.shutDown()
  await onlyOwn()
})

test('a power cut opens nothing, and nothing is forgotten that was signed', async () => {
  await machine.powerOn()
  await connectIn(machine)
  const download = beginDownload(market, machine)
  const before = await heldBy(provider)
  await eventually('the download is paid for', async () => (await heldBy(provider)) > before, 60_000)
  await machine.cut()
  await download
  await onlyOwn()
  const held = await heldBy(provider)
  await machine.powerOn()
  console.log(await machine.run(`${asConsumer} pontage unlock`, 120_000))
  expect((await fetches(market.internet.addressUrl)).code).not.toBe(0)
  expect(await machine.sent(`not (${plumbing})`)).toEqual([])
  expect(await journalledIn(machine)).toBeGreaterThanOrEqual(held)
})
