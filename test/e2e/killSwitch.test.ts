import { applyRuleset, listTable } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

// What leaves a consumer's machine is counted outside of it, at the other end of its only line, while a busy
// machine tries everything: IPv4, IPv6, names, neighbours.

let market: Market
let consumer: Person
let provider: Awaited<ReturnType<typeof openProvider>>
let noise: Program

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const beneficiary = market.deployer
  const offer = { price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary, megabits: 100 }
  provider = await openProvider(market, 'provider', offer)
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  await countAtTheLine()
  noise = consumer.host.start(['bash', '-c', tryEverything()])
})
afterAll(async () => {
  await noise.stop('SIGKILL')
  await market.destroy()
})

const table = 'line_of_consumer'

/** Allowed are WireGuard and the provider's door; neighbour discovery tells nobody beyond the router. */
async function countAtTheLine(): Promise<void> {
  const { address } = provider.host
  await applyRuleset(`table inet ${table} {
    counter leaked { }
    chain line {
      type filter hook prerouting priority -400
      iifname != "to-consumer" accept
      ip daddr ${address} udp dport 51820 accept
      ip daddr ${address} tcp dport 7800 accept
      icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept
      counter name leaked accept
    }
  }`)
}

/** Packets that should not have been on the line while `during` ran. */
async function leakedPackets(during: () => Promise<unknown>): Promise<number> {
  const read = async () => Number((await listTable('inet', table))?.counters.get('leaked')?.packets)
  const before = await read()
  await during()
  return (await read()) - before
}

function tryEverything(): string {
  const { address, address6 } = market.internet.host
  const attempts = [
    `curl -s -m 1 -o /dev/null http://${address}/address`,
    `curl -s -m 1 -o /dev/null http://[${address6}]/address`,
    'echo x > /dev/udp/9.9.9.9/53',
    'echo x > /dev/udp/2001:db8:9::9/53',
    'echo x > /dev/udp/192.0.2.1/53',
    'ping -c 1 -W 1 192.0.2.1',
    `ping -6 -c 1 -W 1 ${address6}`,
  ]
  return `while :; do ${attempts.map((each) => `(${each}) >/dev/null 2>&1 &`).join(' ')} sleep 0.05; done`
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Everything that a connection changes: rules, routes, firewall, interfaces, the one kernel setting. */
async function machine(): Promise<string> {
  const parts = [
    'ip rule; ip -6 rule',
    'ip route show table all; ip -6 route show table all',
    'nft list ruleset',
    'cat /proc/sys/net/ipv4/conf/all/src_valid_mark',
    'ip -brief address',
  ]
  return (await consumer.host.run(['bash', '-c', parts.join('; ')])).stdout
}

/** Connects, and counts from the moment the kill switch stands. */
async function connect(...args: readonly string[]): Promise<Program> {
  const program = consumer.start(['connect', '--json', ...args])
  await consumer.host.run(
    ['bash', '-c', 'until nft list table inet pontage_consumer; do sleep 0.01; done >/dev/null 2>&1'],
    { timeoutMs: 20_000 },
  )
  expect(await leakedPackets(() => program.line(/"connected"/))).toBe(0)
  return program
}

/** Ends the consumer's wireguard-go, as a crash would. */
const killWireguard = () =>
  consumer.host.run([
    'bash',
    '-c',
    'for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true',
  ])

describe('whoever is connected', () => {
  it('leaks nothing from the first tunnel packet to the end by Ctrl-C, and finds the machine as it was', async () => {
    expect(
      await leakedPackets(() => pause(1_000)),
      'the noise is heard without a kill switch',
    ).toBeGreaterThan(0)
    const before = await machine()
    const program = await connect()
    expect(await leakedPackets(() => pause(2_000))).toBe(0)
    const seen = await consumer.host.run(['curl', '-s', market.internet.addressUrl])
    expect(seen.stdout).toContain(provider.host.address)
    expect(await program.stop('SIGINT', 20_000)).toEqual({ code: 0, signal: null })
    expect(await machine()).toBe(before)
  })

  it('leaks nothing when wireguard-go dies, until there is another tunnel', async () => {
    const before = await machine()
    const program = await connect()
    const leaked = await leakedPackets(async () => {
      await killWireguard()
      await program.when(
        () => program.lines().filter((line) => line.includes('"event":"connected"')).length === 2,
        'a second tunnel',
        60_000,
      )
    })
    expect(leaked).toBe(0)
    expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
    expect(await machine()).toBe(before)
  })

  it('leaks nothing when the program is killed, and disconnect restores the machine', async () => {
    const before = await machine()
    const program = await connect('--cap', '50MB')
    const leaked = await leakedPackets(async () => {
      await program.stop('SIGKILL')
      await pause(1_500)
    })
    expect(leaked).toBe(0)
    expect(await consumer.json('status')).toMatchObject({ state: 'crashed', killSwitch: true })
    // The guard is what holds: without it the same line is full of packets.
    await consumer.host.run(['nft', 'delete', 'table', 'inet', 'pontage_consumer'])
    await killWireguard()
    expect(await leakedPackets(() => pause(1_000))).toBeGreaterThan(0)
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
  })

  it('stays behind the kill switch after the cap, until disconnect', async () => {
    const before = await machine()
    const program = await connect('--cap', '5MB')
    const leaked = await leakedPackets(async () => {
      await consumer.host
        .run(['curl', '-s', '-m', '5', '-o', '/dev/null', market.internet.fileUrl(20_000_000)])
        .catch(() => undefined)
      expect((await program.ended).code).toBe(0)
      await pause(1_000)
    })
    expect(leaked).toBe(0)
    const ended = program
      .lines()
      .map((line) => JSON.parse(line))
      .at(-1)
    expect(ended).toMatchObject({ event: 'ended', reason: 'cap' })
    expect(ended.downBytes + ended.upBytes).toBeLessThanOrEqual(5_000_000)
    expect(ended.downBytes + ended.upBytes).toBeGreaterThan(4_900_000)
    await expect(consumer.run('connect')).rejects.toThrow(/left the kill switch on/)
    await consumer.run('disconnect')
    expect(await machine()).toBe(before)
  })
})
