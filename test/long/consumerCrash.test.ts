import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  builtProgram,
  createMarket,
  type Market,
  openHub,
  openProvider,
  type Person,
  programPath,
  seatConsumer,
  sequence,
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

const promised = async (): Promise<bigint> => {
  const {
    channels: [channel],
  } = await consumer.json<{ channels: { promised: { amount: string }[] }[] }>('channel', 'status')
  return BigInt(channel?.promised[0]?.amount ?? 0)
}

/** The latest total in the journal, as it lies on the disk. */
function recorded(): bigint {
  const path = join(consumer.host.home, '.pontage', 'consumer', 'journal.jsonl')
  const totals = readFileSync(path, 'utf8').match(/"kind":"total".*?"amount":"(\d+)"/g) ?? []
  return BigInt(/"(\d+)"$/.exec(totals.at(-1) ?? '')?.[1] ?? 0)
}

const machine = async (): Promise<string> => {
  const parts = [
    'ip rule; ip route show table all',
    'nft list ruleset',
    'ip -brief address',
    'cat /etc/resolv.conf',
  ]
  return (await consumer.host.run(['bash', '-c', parts.join('; ')])).stdout
}

/** Connects, downloads, and is killed: at a moment of its session, or once its Nth record is on the disk. */
async function killedSession(when: { readonly afterMs: number } | { readonly afterRecords: number }) {
  const env =
    'afterRecords' in when
      ? {
          NODE_OPTIONS: `--import=${builtProgram('actors/crash.js')}`,
          PONTAGE_CRASH_AFTER: String(when.afterRecords),
        }
      : {}
  const program = consumer.host.start([programPath('pontage'), 'connect', '--json', '--cap', '400MB'], {
    env,
  })
  const connected = await Promise.race([
    program.line(/"connected"/, { timeoutMs: 60_000 }).then(() => true),
    program.ended.then(() => false),
  ]).catch(() => false)
  const download = connected
    ? consumer.host.start(['curl', '-s', '-m', '20', '-o', '/dev/null', market.internet.fileUrl(100_000_000)])
    : undefined
  if ('afterMs' in when) {
    await new Promise((resolve) => setTimeout(resolve, when.afterMs))
    program.signal('SIGKILL')
  }
  expect(await program.ended).toEqual({ code: null, signal: 'SIGKILL' })
  expect(await consumer.json('unlock')).toEqual({ result: 'restored' })
  await download?.stop('SIGKILL')
}

describe('a consumer that is killed again and again', () => {
  it('never signs a lower total, and its machine is restored each time', { timeout: 400_000 }, async () => {
    const before = await machine()
    const seed = 20_261_122
    const moment = sequence(seed)
    const random = (below: number) => Math.floor(moment.next().value * below)
    let last = 0n
    for (let round = 0; round < 20; round++) {
      const when = round % 2 === 0 ? { afterMs: random(1_000) } : { afterRecords: 1 + random(12) }
      await killedSession(when)
      const told = `seed ${seed}, round ${round}: ${JSON.stringify(when)}`
      expect(await machine(), told).toBe(before)
      const now = recorded()
      expect(now, told).toBeGreaterThanOrEqual(last)
      last = now
    }
    expect(last).toBeGreaterThan(0n)
    expect(provider.program.lines('stderr').join('\n')).not.toMatch(/below-accepted/)
  })

  it('learns its total from the provider when the disk forgot it', async () => {
    // A total that was recorded and never sent is known to nobody else: one that was sent comes first.
    const calm = consumer.start(['connect', '--json', '--cap', '10MB'])
    await calm.line(/"connected"/, { timeoutMs: 60_000 })
    await consumer.host.run(['curl', '-s', '-o', '/dev/null', market.internet.addressUrl])
    await calm.stop('SIGINT', 30_000)
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
