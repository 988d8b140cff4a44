import { applyRuleset } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  logLines,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// Three providers, the cheapest first. What becomes of a consumer when they fail, one after the other.

let market: Market
let consumer: Person
let providers: Awaited<ReturnType<typeof openProvider>>[]

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = (price: string) => ({
    ...{ price, country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 100 },
  })
  providers = await Promise.all([
    openProvider(market, 'cheap', offer('0.05/GB')),
    openProvider(market, 'middle', offer('0.06/GB')),
    openProvider(market, 'dear', offer('0.5/GB')),
  ])
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
})
afterAll(() => market.destroy())

const provider = (index: number) => {
  const found = providers[index]
  if (!found) throw new Error(`There is no provider ${index}.`)
  return found
}

async function connect(...args: readonly string[]): Promise<Program> {
  const words = ['connect', '--json', '--max-price', '0.1/GB', ...args]
  const program = endAfterFailure(consumer, consumer.start(words))
  await logged(program, 'connected', {}, 100_000)
  return program
}

const download = async (size: number): Promise<void> => {
  await consumer.host.run([
    ...['curl', '-sS', '--fail', '--max-time', '60', '-o', '/dev/null', market.internet.fileUrl(size)],
  ])
}

const whoAmI = async (): Promise<string> =>
  (await consumer.host.run(['curl', '-sS', '--max-time', '10', market.internet.addressUrl])).stdout.trim()

/** Cuts a provider's machine off without a word, or joins it again. */
const cutOff = (name: string) =>
  applyRuleset(`table inet cut_off {
    chain between {
      type filter hook forward priority 0
      iifname "to-${name}" drop
      oifname "to-${name}" drop
    }
  }`)
const joinAgain = () => applyRuleset('table inet cut_off\ndelete table inet cut_off')

describe('a consumer whose provider fails', { timeout: 300_000 }, () => {
  it('goes on with the next one, within its limits, and pays each for what it brought', async () => {
    const program = await connect('--cap', '40MB')
    expect(await whoAmI()).toBe(provider(0).host.address)
    await download(3_000_000)
    await cutOff('cheap')
    const moved = await logged(program, 'failed-over', {}, 90_000)
    expect(moved).toMatchObject({ provider: provider(0).address, reason: 'lost' })
    const connected = await logged(program, 'connected', { provider: provider(1).address }, 90_000)
    await joinAgain()
    expect(Number(connected.limitBytes)).toBeLessThan(37_000_000)
    expect(await whoAmI()).toBe(provider(1).host.address)
    await download(2_000_000)
    expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
    const ended = await logged(program, 'ended')
    const receipts = ended.receipts as { provider: string; bytes: number }[]
    expect(receipts.map((each) => each.provider)).toEqual([provider(0).address, provider(1).address])
    expect(receipts[0]?.bytes).toBeGreaterThan(3_000_000)
    expect(receipts[1]?.bytes).toBeGreaterThan(2_000_000)
    expect(Number(ended.downBytes) + Number(ended.upBytes)).toBe(
      receipts.reduce((sum, { bytes }) => sum + bytes, 0),
    )
    // The first one holds on to the session that it lost for a while, and lets no other begin on this channel.
    await eventually(
      'the first one serves again',
      async () => {
        const again = await connect(provider(0).address).catch(() => undefined)
        return (await again?.stop('SIGINT', 30_000)) !== undefined
      },
      120_000,
    )
  })

  it('keeps its session when the provider’s payment socket breaks for a moment', async () => {
    const program = await connect('--patience', '60')
    await logged(program, 'connected', { provider: provider(0).address })
    await download(1_000_000)
    const { host } = provider(0)
    await host.firewall(`table inet broken {
      chain inside {
        type filter hook input priority -5
        iifname "pont*" meta l4proto tcp drop
      }
    }`)
    // Inside the tunnel nothing answers any more: it is reached on the open line.
    await logged(program, 'reconnected', {}, 90_000)
    await host.firewall('delete table inet broken')
    await download(2_000_000)
    expect(logLines(program, ({ event }) => event === 'failed-over')).toEqual([])
    expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
  })

  it('is connected anew when WireGuard dies on its own machine', async () => {
    const program = await connect()
    await consumer.host.run([
      'bash',
      '-c',
      'for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && kill -9 $p; done; true',
    ])
    const moved = await logged(program, 'failed-over', {}, 90_000)
    expect(moved.reason).toBe('lost')
    await program.when(
      () => logLines(program, ({ event }) => event === 'connected').length === 2,
      'a second tunnel',
      60_000,
    )
    expect(await whoAmI()).toBe(provider(1).host.address)
    expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
  })

  it('passes over who refuses, and gives up shut when nobody is left that it may pay', async () => {
    await provider(0).program.stop()
    const program = await connect('--retry-for', '1')
    expect(logLines(program, ({ event }) => event === 'refused')).toMatchObject([
      { provider: provider(0).address },
    ])
    await provider(1).program.stop()
    const ended = await logged(program, 'ended', {}, 90_000)
    expect(ended.reason).toBe('provider')
    expect((await program.ended).code).toBe(1)
    expect(await consumer.json('status')).toMatchObject({ state: 'blocked', killSwitch: true })
    expect(provider(2).program.lines('stderr').join('\n')).not.toContain('session opened')
    await consumer.run('disconnect')
    expect(await whoAmI()).toBe(consumer.host.address)
  })
})
