import { runCommand } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMarket, eventually, type Market, measureDelivery, type Person } from '../../world/index.js'
import { bootConsumer, connectIn, goesThrough, seenFrom } from '../consumerMachine.js'
import { unitLogged } from '../furnish.js'
import type { Machine } from '../machine.js'
import { tellWhenFailed } from '../tellWhenFailed.js'

// The tunnel of a machine whose kernel makes WireGuard interfaces itself: what it counts, where it stops, and how large its packets
// are. Its provider's tunnel is made by wireguard-go.

let market: Market
let provider: Person
let machine: Machine

beforeAll(async () => {
  market = await createMarket()
  const booted = await bootConsumer(market)
  machine = booted.machine
  provider = booted.provider
})
tellWhenFailed(() =>
  machine.run(
    'journalctl -b -u pontage -o cat | grep -v progress | tail -n 30; nft list ruleset; ip link',
    120_000,
  ),
)
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

/** IP, UDP and WireGuard's own bytes around a packet of the tunnel. */
const overhead = 60
/** A megabyte at 20 tokens for a gigabyte. */
const price = () => market.tokens('0.02')

type Event = Readonly<Record<string, unknown>>
let sessions = 0
async function connects(): Promise<Event> {
  const connected = JSON.parse(await connectIn(machine)) as Event
  expect(connected.wireguard).toBe('kernel')
  return connected
}
async function ends(): Promise<Event> {
  sessions += 1
  return JSON.parse(await unitLogged(machine, 'pontage', '"event":"ended"', sessions)) as Event
}
const download = (bytes: number, write = '%{size_download}') =>
  machine.run(
    `curl -sS --fail --max-time 100 -o /dev/null -w '${write}' ${market.internet.fileUrl(bytes)}`,
    120_000,
  )

/** What it sent through the tunnel that may be divided on the way, or was. */
const divisible = () =>
  machine.sent(
    `ip proto 17 and host ${provider.host.address} and (ip[6:2] & 0x3fff != 0 or (udp port 51820 and ip[6] & 0x40 == 0))`,
  )

test('a cap holds to the byte, and both ends count and pay the same', async () => {
  const cap = 5_000_000
  await machine.run('echo PONTAGE_CONSUMER_CAP=5MB >/etc/default/pontage')
  await connects()
  const meter = await measureDelivery(market.internet)
  const before = await meter.read(provider.host.address)
  await machine.attempt(`curl -sS --max-time 60 -o /dev/null ${market.internet.fileUrl(10 * cap)}`, 90_000)
  const end = await ends()
  const after = await meter.read(provider.host.address)
  meter.stop()
  const delivered = after.downBytes - before.downBytes + after.upBytes - before.upBytes
  const counted = Number(end.downBytes) + Number(end.upBytes)
  const last = async () => {
    const status = await provider.json<{ sessions: Record<string, string>[] }>('status')
    const session = status.sessions.at(-1)
    return session?.ending ? session : undefined
  }
  const theirs = await eventually('the provider closed the session', last)
  const counted2 = Number(theirs.downBytes) + Number(theirs.upBytes)
  console.log(
    `a cap of ${cap} bytes: ${delivered} delivered, ${counted} counted here, ${counted2} by the provider; ` +
      `${end.promises} promises for ${end.spent} wei`,
  )
  expect(end.reason).toBe('cap')
  expect(delivered).toBeLessThanOrEqual(cap)
  expect(counted).toBeLessThanOrEqual(cap)
  expect(counted).toBeGreaterThan(0.98 * cap)
  expect(counted2).toBeGreaterThanOrEqual(counted)
  expect(counted2).toBeLessThan(1.1 * counted)
  expect(BigInt(String(end.spent))).toBe(5n * price())
  expect(BigInt(theirs.promised ?? 0) - BigInt(theirs.base ?? 0)).toBe(5n * price())
  expect(await seenFrom(market, machine)).toBe('')
  await machine.run('pontage --home /var/lib/pontage disconnect; : >/etc/default/pontage', 120_000)
  expect(await seenFrom(market, machine)).toBe(machine.host.address)
})

test('its packets are as large as the way takes, and nobody divides them', async () => {
  // Its provider's line, so that a router is in between who sees what is too large.
  const { host } = provider
  const setLine = async (mtu: number) => {
    await runCommand(['ip', 'link', 'set', 'dev', `to-${host.name}`, 'mtu', String(mtu)])
    await host.run(['ip', 'link', 'set', 'dev', host.device, 'mtu', String(mtu)])
  }
  for (const line of [1_500, 1_400]) {
    await setLine(line)
    const { mtu, interface: name } = await connects()
    // WireGuard pads to 16 bytes: it takes none in between.
    const largest = Math.floor((line - overhead) / 16) * 16
    expect(mtu).toBe(largest)
    expect(await machine.run(`cat /sys/class/net/${name}/mtu`)).toBe(String(mtu))
    const pings = (size: number) =>
      machine.attempt(`ping -c 1 -W 10 -M do -s ${size - 28} ${market.internet.host.address} 2>&1`)
    expect((await pings(largest)).code).toBe(0)
    expect((await pings(largest + 1)).stdout).toMatch(/message too long|mtu/i)
    expect(await download(1_000_000)).toBe('1000000')
    await machine.run('systemctl stop pontage', 180_000)
    await ends()
  }
  expect(await machine.sent('udp port 51820 and greater 1500')).not.toEqual([])
  expect(await divisible()).toEqual([])
  await setLine(1_500)
})

test('paying costs little of its speed', async () => {
  const size = 6_000_000
  const fastest = async () => {
    await connects()
    await goesThrough(market, machine, provider)
    const speeds = []
    for (let turn = 0; turn < 3; turn += 1) speeds.push(Number(await download(size, '%{speed_download}')))
    await machine.run('systemctl stop pontage', 180_000)
    const { spent } = await ends()
    return { speed: Math.max(...speeds), spent: BigInt(String(spent)) }
  }
  const without = Number(await download(size, '%{speed_download}'))
  const paid = await fastest()
  await provider.run('price', '0/GB')
  const free = await fastest()
  const shown = (speed: number) => `${(speed / 1e6).toFixed(2)} MB/s`
  console.log(
    `without a tunnel ${shown(without)}, paid for ${shown(paid.speed)}, for nothing ${shown(free.speed)}`,
  )
  expect(paid.spent).toBeGreaterThanOrEqual(18n * price())
  expect(free.spent).toBe(0n)
  expect(paid.speed).toBeGreaterThan(free.speed / 2)
})
