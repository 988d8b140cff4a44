import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  type LogLine,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// One market, two hubs, one provider, one consumer without a coin for gas: finding, limits, and the way out.

interface Found {
  readonly provider: string
  readonly sound: boolean
  readonly latencyMs: number | null
  readonly quality: {
    readonly sessions: number
    readonly throughputKbps: number | null
    readonly score: number | null
  }
  readonly cost: { readonly bytes: string; readonly traffic: string }
}

let market: Market
let hub: Awaited<ReturnType<typeof openHub>>
let other: Person & { program: Program }
let provider: Awaited<ReturnType<typeof openProvider>>
let consumer: Person

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  other = await openHub(market, 'other', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address, other.address], megabits: 80 },
    ...{ beneficiary: market.deployer, clearEvery: 5 },
  })
  consumer = await seatConsumer(market, 'consumer', '20')
})
afterAll(() => market.destroy())
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.log(market.world.lastWords())
})

const homeFile = (...path: string[]) => join(consumer.host.home, '.pontage', 'consumer', ...path)
const cacheFile = (name: string) => homeFile('cache', `${name}.json`)

describe('a consumer that looks for a provider', () => {
  it('finds it on the chain alone, knows how long the way to it is and what traffic costs', async () => {
    const [found, ...more] = await offers('--gb', '2', '--sort', 'latency')
    expect(more).toEqual([])
    expect(found).toMatchObject({ provider: provider.address, sound: true })
    expect(found?.latencyMs).toBeGreaterThan(0)
    expect(found?.cost).toMatchObject({ bytes: '2000000000', traffic: market.tokens('40').toString() })
    expect(await offers('--country', 'FR')).toEqual([])
    expect(await offers('--max-price', '19/GB')).toEqual([])
    expect(await consumer.run('providers')).toMatch(/10.00 GB costs 200 /)
  })

  it('remembers what it read of the chain, and reads it anew when that is damaged or gone', async () => {
    const found = () => offers('--no-latency')
    const { name } = JSON.parse(readFileSync(cacheFile('proposals'), 'utf8'))
    expect(JSON.parse(name)[0]).toBe(31_337)
    writeFileSync(cacheFile('proposals'), '{"name":')
    expect(await found()).toHaveLength(1)
    rmSync(cacheFile('proposals'))
    expect(await found()).toHaveLength(1)
  })

  it('finds the same in a hub’s index, held against the chain', async () => {
    const listed = await offers('--index', hub.address)
    expect(listed).toMatchObject([{ provider: provider.address, sound: true }])
  })
})

interface Channel {
  readonly channelId: string
  readonly status: string
  readonly balance: string
  readonly exitInSeconds: number | null
  readonly promised: readonly { readonly amount: string }[]
}

const offers = async (...flags: string[]) =>
  (await consumer.json<{ providers: Found[] }>('providers', ...flags)).providers
const channels = async () => (await consumer.json<{ channels: Channel[] }>('channel', 'status')).channels
const promised = async () => BigInt((await channels())[0]?.promised[0]?.amount ?? 0)

/** Downloads as much of a file as comes through. */
const download = async (size: number): Promise<void> => {
  const curl = ['curl', '-s', '--max-time', '20', '-o', '/dev/null', market.internet.fileUrl(size)]
  await consumer.host.start(curl).ended
}

async function connect(...args: readonly string[]): Promise<{ program: Program; limit: number }> {
  const program = endAfterFailure(consumer, consumer.start(['connect', '--json', ...args]))
  const { limitBytes } = await logged(program, 'connected', {}, 60_000)
  return { program, limit: Number(limitBytes) }
}

/** Downloads until the session ends by itself, and tells what it said of that. */
async function downloadUntilEnd(program: Program): Promise<LogLine> {
  const curl = consumer.host.start(['curl', '-s', '-o', '/dev/null', market.internet.fileUrl(50_000_000)])
  const ended = await logged(program, 'ended', {}, 60_000)
  await curl.stop('SIGKILL')
  expect((await program.ended).code).toBe(0)
  return ended
}

/** What is said on standard error by a command that has to fail. */
async function refusal(...args: readonly string[]): Promise<string> {
  const program = consumer.start(args)
  expect((await program.ended).code).toBe(1)
  return program.lines('stderr').join('\n')
}

describe('a consumer that set limits', () => {
  let used = 0

  it('spends no more than its budget', async () => {
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10', '--yes')
    const { program } = await connect('--budget', '0.05')
    const ended = await downloadUntilEnd(program)
    expect(ended.reason).toBe('budget')
    expect(BigInt(String(ended.spent))).toBeLessThanOrEqual(market.tokens('0.05'))
    used = Number(ended.downBytes) + Number(ended.upBytes)
    await consumer.run('disconnect')
    expect(await promised()).toBe(BigInt(String(ended.spent)))
  })

  it('gets no more in a month than its cap, also when it is killed in between', async () => {
    const cap = 6_000_000
    const first = await connect('--cap', '6MB/month')
    expect(first.limit).toBe(cap - used)
    await download(1_000_000)
    await first.program.stop('SIGKILL')
    await consumer.run('disconnect')
    const second = await connect('--cap', '6MB/month')
    expect(first.limit - second.limit).toBeGreaterThan(1_000_000)
    const ended = await downloadUntilEnd(second.program)
    expect(ended.reason).toBe('cap')
    expect(Number(ended.downBytes) + Number(ended.upBytes)).toBeLessThanOrEqual(second.limit)
    await consumer.run('disconnect')
    expect(await refusal('connect', '--cap', '6MB/month')).toMatch(/cap is used up/)
  })

  it('never pays above the lower of two highest prices', async () => {
    appendFileSync(homeFile('config.yaml'), 'max-price: 19/GB\n')
    expect(await refusal('connect', '--max-price', '30/GB')).toMatch(/above the price limit/)
    expect(await offers('--max-price', '30/GB')).toEqual([])
    const lines = readFileSync(homeFile('config.yaml'), 'utf8').replace(/^max-price: 19\/GB\n/m, '')
    rmSync(homeFile('config.yaml'))
    appendFileSync(homeFile('config.yaml'), lines)
  })
})

describe('a consumer that looks back', () => {
  it('has every session with its receipt, and what it says of the last is in the hub’s index', async () => {
    const { sessions } = await consumer.json<{ sessions: { session: number; spent: string }[] }>('history')
    expect(sessions.length).toBeGreaterThan(1)
    expect((await consumer.run('history', '--csv')).split('\n')).toHaveLength(sessions.length + 1)
    const last = String(sessions.length)
    // A provider clears every few seconds here; before that the hub counts nothing.
    await eventually(
      'the hub took the rating',
      async () => (await consumer.json<{ delivered: boolean }>('rate', last, '4')).delivered,
      60_000,
    )
    const [found] = await offers('--index', hub.address, '--sort', 'quality')
    expect(found?.quality.score).toBeCloseTo(4)
    expect(found?.quality.throughputKbps).toBeGreaterThan(0)
  })
})

describe('a consumer that may have forgotten what it signed', () => {
  const journal = () => homeFile('journal.jsonl')

  it('stops when somebody shows a promise that its journal should know, until it says so', async () => {
    copyFileSync(journal(), homeFile('backup.jsonl'))
    const elsewhere = await connect()
    await download(2_000_000)
    await elsewhere.program.stop('SIGINT', 20_000)
    const total = await promised()
    copyFileSync(homeFile('backup.jsonl'), journal())
    expect(await refusal('connect')).toMatch(/another device signs with the same key/)
    expect(await promised()).toBeLessThan(total)
    await eventually('the hub can show what was cleared', async () => {
      await consumer.run('channel', 'recover')
      return (await promised()) === total
    })
    const { program } = await connect()
    await program.stop('SIGINT', 20_000)
    expect(await promised()).toBeGreaterThanOrEqual(total)
  })
})

describe('a consumer whose hub is gone for ever', () => {
  it('leaves alone, without a coin for gas, and gets back everything but what it signed away', async () => {
    await hub.program.stop('SIGKILL')
    const { chain } = market
    expect(await chain.rpc.getBalance(consumer.address)).toBe(0n)
    expect(await refusal('channel', 'close')).toMatch(/cannot be reached/)
    const signed = await promised()
    const [channel] = await channels()
    const channelId = channel?.channelId ?? ''

    const begun = await consumer.json<{ stage: string; relayFee: string; relayedBy: string }>(
      'channel',
      'exit',
    )
    expect(begun).toMatchObject({ stage: 'begun', relayedBy: other.address })
    expect(await refusal('channel', 'close')).toMatch(/exit has been requested/)
    expect(await consumer.run('channel', 'exit')).toMatch(/requested; in 2 d [56] h /)
    expect(await consumer.run('channel', 'status')).toMatch(/the rest is available in 2 d [56] h/)
    // The provider need not trust the delay: it draws what it was promised, with the guarantees it holds.
    await eventually(
      'the provider drew everything',
      async () => {
        const { drawn } = await chain.channels.tabOf(channelId, provider.address)
        return drawn === signed
      },
      90_000,
    )

    const { exitDelay } = await chain.channels.settings()
    const before = await chain.token.balanceOf(consumer.address)
    await chain.rpc.send('evm_increaseTime', [Number(exitDelay)])
    await chain.rpc.send('evm_mine', [])
    expect(await consumer.run('channel', 'status')).toMatch(/exit due/)
    const finished = await consumer.json<{ stage: string; returned: string }>('channel', 'exit')
    expect(finished.stage).toBe('finished')
    const returned = market.tokens('10') - signed - BigInt(begun.relayFee)
    expect(BigInt(finished.returned)).toBe(returned)
    expect((await chain.token.balanceOf(consumer.address)) - before).toBe(returned)
    console.log(
      `hub gone for ever: of 10 locked, ${returned} wei came back, ${signed} was signed away, ${begun.relayFee} paid for sending`,
    )
  })
})

describe('a hub whose newest ledger is lost', { timeout: 300_000 }, () => {
  const hour = 3_600
  const fee = (promised: bigint) => (promised * 2n) / 100n
  const backup = () => join(other.host.home, 'older.sqlite')

  /** What the provider holds under the hub: of consumers, and of the hub itself. */
  async function held(): Promise<{ promised: bigint; hubTotal: bigint }> {
    const { hubs } = await provider.json<{ hubs: { hub: string; promised: string; hubTotal: string }[] }>(
      'status',
    )
    const row = hubs.find((each) => each.hub === other.address)
    return { promised: BigInt(row?.promised ?? 0), hubTotal: BigInt(row?.hubTotal ?? 0) }
  }

  /** What the hub's ledger says that it promised the provider. */
  async function known(): Promise<bigint> {
    const { providers } = await other.json<{ providers: { provider: string; total: string }[] }>('providers')
    return BigInt(providers.find((each) => each.provider === provider.address)?.total ?? 0)
  }

  /** One session, cleared at its end. @returns the hub's total afterwards */
  async function session(): Promise<bigint> {
    const program = await eventually('the hub guarantees', connectUnlessRefused, 90_000)
    await download(1_200_000)
    await program.stop('SIGINT', 20_000)
    return eventually(
      'the session is cleared',
      async () => {
        const { promised: total, hubTotal } = await held()
        return total > 0n && hubTotal === total - fee(total) ? hubTotal : undefined
      },
      60_000,
    )
  }

  /** After a start the hub needs a moment to see that time has passed, and the provider to find the hub. */
  async function connectUnlessRefused(): Promise<Program | undefined> {
    const program = consumer.start(['connect', '--json'])
    const connected = logged(program, 'connected', {}, 60_000).then(() => program)
    return Promise.race([connected, program.ended.then(() => undefined)]).catch(() => undefined)
  }

  async function passTime(seconds: number): Promise<void> {
    await market.chain.rpc.send('evm_increaseTime', [seconds])
    await market.chain.rpc.send('evm_mine', [])
  }

  /** Kills the hub and puts the backup in the place of its ledger. */
  async function loseLedger(): Promise<void> {
    await other.program.stop('SIGKILL')
    const ledger = join(other.host.home, '.pontage', 'hub', 'ledger.sqlite')
    for (const ending of ['', '-wal', '-shm']) rmSync(`${ledger}${ending}`, { force: true })
    copyFileSync(backup(), ledger)
  }

  const start = () => other.start(['run', '--port', '7700', '--draw-above', '1000'])

  it('learns from the provider what it forgot, before it promises anything', async () => {
    await consumer.run('channel', 'open', '--hub', other.address, '--amount', '5', '--yes')
    const before = await session()
    await other.run('ledger', 'backup', backup())
    const newest = await session()
    expect(newest).toBeGreaterThan(before)
    await loseLedger()
    expect(await known()).toBe(before)
    other.program = start()
    await logged(other.program, 'the ledger is older than what left this hub', {}, 90_000)
    expect(await known()).toBe(newest)
    expect(await refusal('connect')).toMatch(/ledger is being rebuilt/)

    // The promises come again too: all of them can be drawn, and then nothing is left to wait for but time.
    const { promised: signed } = await held()
    await eventually(
      'the hub holds every promise again',
      async () => BigInt((await other.json<{ sum: string }>('draw')).sum) === signed,
      60_000,
    )
    await other.run('draw', '--now')
    await passTime(hour + 60)
    expect(await session()).toBeGreaterThan(newest)
    await provider.run('redeem', '--now')
    const account = await market.chain.channels.accountOf(other.address, provider.address)
    const { promised: total } = await held()
    expect(account.paid).toBe(total - fee(total))
  })

  it('does not start once the chain shows it, until its operator has it rebuilt', async () => {
    const { hubTotal } = await held()
    await loseLedger()
    const refused = start()
    expect((await refused.ended).code).toBe(1)
    expect(refused.lines('stderr').join('\n')).toMatch(/pontage-hub ledger rebuild/)
    await other.run('ledger', 'rebuild')
    other.program = start()
    await logged(other.program, 'a total was raised to what the chain has paid', {}, 90_000)
    await logged(other.program, 'listening')
    expect(await known()).toBe(hubTotal)
    await passTime(hour + 60)
    expect(await session()).toBeGreaterThan(hubTotal)
  })
})

describe('a consumer that takes its tokens elsewhere', () => {
  it('hears what that needs, sends some, then all', async () => {
    const sender = await seatConsumer(market, 'sender', '5')
    const to = `0x${'77'.repeat(20)}`
    const send = (...words: readonly string[]) => sender.run('send', ...words, '--yes')
    const there = async () => `${await market.chain.token.balanceOf(to)}`
    await expect(send(to, '2')).rejects.toThrow(/gas/)
    await expect(send(to, '6')).rejects.toThrow(/5 PTT can be sent, not 6 PTT\. .*"pontage channel close"/)
    await expect(send(market.deployment.token, '1')).rejects.toThrow(/contract/)
    expect(await there()).toBe('0')
    await market.fund(sender.address, { coin: '1' })
    expect(await send(to, '2')).toMatch(/^Sent 2 PTT to 0x7{40} in transaction 0x[0-9a-f]{64}\.$/m)
    expect(await there()).toBe(`${market.tokens('2')}`)
    await send(to, 'all')
    expect(await there()).toBe(`${market.tokens('5')}`)
  })
})
