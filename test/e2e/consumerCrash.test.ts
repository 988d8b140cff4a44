import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  type Market,
  openHub,
  openProvider,
  type Person,
  seatConsumer,
} from '../world/index.js'

let market: Market
let consumer: Person
let provider: Awaited<ReturnType<typeof openProvider>>

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 200 },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
})
afterAll(() => market.destroy())

/** The same moments each time: an ordinary linear congruential generator. */
function* moments(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

const promised = async (): Promise<bigint> => {
  const [channel] = await consumer.json<{ promised: { amount: string }[] }[]>('channel', 'status')
  return BigInt(channel?.promised[0]?.amount ?? 0)
}

const rules = async (): Promise<string> =>
  (await consumer.host.run(['bash', '-c', 'ip rule; ip route show table all; nft list ruleset'])).stdout

/** Connects, downloads, and is killed at a moment of its session. */
async function killedSession(afterMs: number): Promise<void> {
  const program = consumer.start(['connect', '--json', '--cap', '400MB'])
  await program.line(/"connected"/)
  const download = consumer.host
    .run(['curl', '-s', '-m', '3', '-o', '/dev/null', market.internet.fileUrl(100_000_000)])
    .catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  await program.stop('SIGKILL')
  await consumer.run('disconnect')
  await download
}

describe('a consumer that is killed again and again', () => {
  it('never signs a lower total, and its machine is restored each time', async () => {
    const before = await rules()
    const moment = moments(20_261_122)
    let last = 0n
    for (let round = 0; round < 6; round++) {
      await killedSession(Math.floor((moment.next().value ?? 0) * 1_200))
      expect(await rules()).toBe(before)
      const now = await promised()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
    expect(last).toBeGreaterThan(0n)
    expect(provider.program.lines('stderr').join('\n')).not.toMatch(/below-accepted/)
  })

  it('learns its total from the provider when the disk forgot it', async () => {
    const before = await promised()
    await rm(join(consumer.host.home, '.pontage', 'consumer', 'journal.jsonl'))
    expect(await promised()).toBe(0n)
    const program = consumer.start(['connect', '--json', '--cap', '10MB'])
    await program.line(/"connected"/)
    await program.stop('SIGINT', 20_000)
    expect(program.lines('stderr').join('\n')).toMatch(/learned a total/)
    expect(await promised()).toBeGreaterThanOrEqual(before)
  })

  it('closes its channel for what it signed, gets the rest back at once, and promises nothing more', async () => {
    const spent = await promised()
    const closed = await consumer.json<{ returned: string; spent: string }>('channel', 'close')
    expect(BigInt(closed.spent)).toBe(spent)
    expect(BigInt(closed.returned)).toBe(market.tokens('5') - spent)
    await expect(consumer.run('connect')).rejects.toThrow(/no open channel/)
  })
})
