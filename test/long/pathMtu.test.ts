import { type Address, address } from '@pontage/shared'
import { replaceTable, runCommand } from '@pontage/shared/node'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  createMarket,
  eventually,
  type Host,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  putBehind,
  seat,
} from '../world/index.js'

// A consumer behind a router whose line to the internet may be narrower than everything else: its tunnel carries
// packets as large as that line takes, and no larger ones.

const beneficiary: Address = address(`0x${'b7'.repeat(20)}`)
const wireguardPort = '51820'
/** IP, UDP and WireGuard's own bytes around a packet of the tunnel. */
const overhead = 60
const size = 3_000_000
let market: Market
let router: Host
let provider: Person & { program: Program }
let consumer: Person

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '50' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], beneficiary },
  })
  router = await market.world.addHost('router')
  const host = await market.world.addHost('consumer')
  await putBehind(router, host)
  consumer = await seat(market, host, 'pontage')
  await sendSingly([provider.host, provider.host.device], [host, 'lan0'])
  await market.fund(consumer.address, { tokens: '20' })
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
})
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(() => market?.destroy())

/** A sender may hand many packets on as one, to be taken apart by the hardware: here they are to be seen singly. */
async function sendSingly(...devices: readonly (readonly [Host, string])[]): Promise<void> {
  for (const [host, device] of devices)
    await host.run(['ip', 'link', 'set', 'dev', device, 'gso_max_segs', '1'])
}

/** Narrows the router's line, at both of its ends; what others learnt of it before is forgotten. */
async function narrow(mtu: number): Promise<void> {
  await runCommand(['ip', 'link', 'set', 'dev', 'to-router', 'mtu', String(mtu)])
  await router.run(['ip', 'link', 'set', 'dev', router.device, 'mtu', String(mtu)])
  for (const host of [router, consumer.host, provider.host]) await host.run(['ip', 'route', 'flush', 'cache'])
}

/** From now on nobody is told that a packet was too large. */
async function tellNobody(): Promise<void> {
  for (const { host } of [consumer, provider])
    await host.firewall(
      replaceTable(
        'inet',
        'silence',
        `chain deaf { type filter hook prerouting priority -460; policy accept;
           icmp type destination-unreachable counter drop
         }`,
      ),
    )
}

/** Counts packets on the way as they come: before anybody puts fragments together. */
async function watch(mtu: number): Promise<void> {
  const outer = `meta l4proto udp th sport ${wireguardPort} ip`
  for (const host of [router, consumer.host, provider.host])
    await host.firewall(
      replaceTable(
        'inet',
        'watch',
        `counter fragments { }
         counter divisible { }
         counter full { }
         counter larger { }
         chain seen { type filter hook prerouting priority -450; policy accept;
           ip frag-off & 0x3fff != 0 counter name fragments
           ${outer} frag-off & 0x4000 == 0 counter name divisible
           ${outer} length ${mtu + overhead} counter name full
           ${outer} length > ${mtu + overhead} counter name larger
         }`,
      ),
    )
}

async function seenBy(host: Host): Promise<Record<string, number>> {
  const { stdout } = await host.run(['nft', '-j', 'list', 'counters', 'table', 'inet', 'watch'])
  const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { name: string; packets: number } }[] }
  return Object.fromEntries(
    nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])),
  )
}

const routes = async () => (await provider.host.run(['ip', 'route'])).stdout

/** Connects, downloads over both families, hangs up; demands that all of it travelled in packets of this size. */
async function useTunnel(mtu: number, because: RegExp): Promise<void> {
  const session = consumer.start(['connect', '--json'])
  const connected = await logged(session, 'connected', {}, 60_000)
  expect(connected).toMatchObject({ mtu, because: expect.stringMatching(because) })
  await logged(provider.program, 'the path takes', { mtu }, 30_000)
  const device = String(connected.interface)
  expect((await consumer.host.run(['ip', 'link', 'show', 'dev', device])).stdout).toContain(`mtu ${mtu} `)
  expect((await consumer.json<{ live: object }>('status')).live).toMatchObject({ mtu })
  expect((await provider.json<{ sessions: object[] }>('sessions')).sessions).toMatchObject([{ mtu }])
  const own = `${connected.address} dev`
  // As large as the tunnel itself needs no word.
  if (mtu < 1_440) expect(await routes()).toMatch(new RegExp(`^${own}.* mtu ${mtu}\\b`, 'm'))
  else expect(await routes()).not.toContain(own)
  await watch(mtu)
  for (const name of [market.internet.host.address, `[${market.internet.host.address6}]`]) {
    const download = consumer.host.start([
      ...['curl', '-sS', '--fail', '--max-time', '60', '-o', '/dev/null', '-w', '%{size_download}'],
      `http://${name}/file/${size}`,
    ])
    expect(await download.succeeded({ timeoutMs: 70_000 })).toBe(String(size))
  }
  session.signal('SIGINT')
  expect((await session.ended).code).toBe(0)
  for (const host of [router, consumer.host, provider.host])
    expect({ at: host.name, ...(await seenBy(host)) }).toMatchObject({
      fragments: 0,
      divisible: 0,
      larger: 0,
    })
  expect((await seenBy(consumer.host)).full).toBeGreaterThan((2 * size) / 1_500 / 2)
  await eventually('the route to the consumer is gone', async () => !(await routes()).includes(own))
}

describe('a tunnel', () => {
  it('carries packets as large as an ordinary network takes', async () => {
    await logged(provider.program, 'listening', { mtu: 1_440 })
    await useTunnel(1_440, /arrived whole/)
  })

  it('carries smaller ones where a router on the way tells that its line is narrower', async () => {
    await narrow(1_400)
    await useTunnel(1_328, /router on the way|were lost/)
  })

  it('finds out by itself where nobody is told what was too large', async () => {
    await tellNobody()
    await narrow(1_400)
    await useTunnel(1_328, /were lost/)
  })

  it('takes the smallest size of IPv6 where not even that is answered for', async () => {
    await provider.host.firewall(
      replaceTable(
        'inet',
        'mute',
        `chain mute { type filter hook input priority -10; policy accept;
           icmp type echo-request drop
         }`,
      ),
    )
    await useTunnel(1_280, /does not answer pings/)
  })
})
