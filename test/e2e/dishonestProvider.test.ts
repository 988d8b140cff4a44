import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Hex, systemClock, wei } from '@pontage/shared'
import { connectLink, createLog, createTypedData, openKeystore, readPassword } from '@pontage/shared/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  builtProgram,
  createMarket,
  logged,
  logLines,
  type Market,
  measureDelivery,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

// One provider that cheats in turn in each way there is (test/actors/dishonestProvider.ts), and what it gets of it.

const price = 20_000_000_000_000_000n
const megabyte = 1_000_000n
let market: Market
let hub: Person & { readonly program: Program }
let provider: Person & { readonly program: Program }
let consumer: Person

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 40 },
    ...{ clearEvery: 5, actor: [process.execPath, builtProgram('actors/dishonestProvider.js')] },
  })
  consumer = await seatConsumer(market, 'consumer', '20')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10', '--yes')
})
afterAll(() => market.destroy())

interface Receipt {
  readonly bytes: number
  readonly spent: string
  readonly reason: string
}

/** Downloads while the provider cheats, and tells what that came to. */
async function cheated(how: string, size: number) {
  writeFileSync(join(provider.host.home, 'cheat'), how)
  const { sessions: before } = await consumer.json<{ sessions: Receipt[] }>('history')
  const meter = await measureDelivery(market.internet)
  const session = consumer.start(['connect', '--json', '--cap', '50MB'])
  await logged(session, 'connected', {}, 60_000)
  // Connections of earlier sessions hang at the server until it gives them up.
  const hanging = await meter.read(provider.host.address)
  await consumer.host.start(['curl', '-s', '-m', '5', '-o', '/dev/null', market.internet.fileUrl(size)]).ended
  const { downBytes, upBytes } = await meter.read(provider.host.address)
  meter.stop()
  await session.stop('SIGINT', 30_000)
  await consumer.run('disconnect')
  const receipts = (await consumer.json<{ sessions: Receipt[] }>('history')).sessions.slice(before.length)
  const sum = (of: (receipt: Receipt) => bigint) => receipts.reduce((all, each) => all + of(each), 0n)
  return {
    sessions: BigInt(receipts.length),
    reasons: receipts.map(({ reason }) => reason),
    counted: sum(({ bytes }) => BigInt(bytes)),
    spent: sum(({ spent }) => BigInt(spent)),
    delivered: BigInt(downBytes - hanging.downBytes + upBytes - hanging.upBytes),
  }
}

describe('a consumer of a provider that', () => {
  /** Whatever way it cheats: of each session nothing is lost beyond the megabyte that had begun, and 131 kB paid ahead. */
  async function losesNoMore(how: string): Promise<void> {
    const { sessions, reasons, counted, spent, delivered } = await cheated(how, 12_000_000)
    expect(sessions).toBeGreaterThan(0n)
    expect(spent).toBeGreaterThan(0n)
    const lost = spent - (price * counted) / megabyte
    console.log(
      `${how}: ${counted} bytes came, ${delivered} by the server's count, ${spent} wei signed; lost ${lost} wei of ${price} a megabyte (${reasons.join(', ')})`,
    )
    // Whoever counts too much finds its consumer without credit the next time, and is paid 131 kB ahead.
    expect(lost).toBeLessThan((price * sessions * (megabyte + 131_072n)) / megabyte)
    // Held against what the server of the file saw, whatever the consumer's own counters say.
    expect(spent).toBeLessThanOrEqual(price * ((delivered * 11n) / 10n / megabyte + 1n + sessions))
  }

  it.each([
    ['claims 5 % more than it sent', 'over 5'],
    ['claims half as much again', 'over 50'],
    ['claims a little more with each megabyte', 'slowly'],
  ])('%s loses no more than the megabyte that had begun, and 131 kB where it pays ahead', (_title, how) =>
    losesNoMore(how),
  )

  it('asks more than its offer says pays nothing, and hears why', async () => {
    writeFileSync(join(provider.host.home, 'cheat'), 'dear')
    const attempt = consumer.start(['connect', '--json'])
    expect((await attempt.ended).code).toBe(1)
    expect(attempt.lines('stderr').join('\n')).toMatch(/terms say pricePerMegabyte/)
    console.log('dear: 0 wei signed')
  })

  it('knows nothing of post-quantum keys is told so, and served', async () => {
    for (const [how, postQuantum] of [
      ['honest', true],
      ['old', false],
    ] as const) {
      writeFileSync(join(provider.host.home, 'cheat'), how)
      const session = consumer.start(['connect', '--json'])
      expect(await logged(session, 'connected', {}, 60_000)).toMatchObject({ postQuantum })
      expect((await consumer.json<{ live: object }>('status')).live).toMatchObject({ postQuantum })
      await session.stop('SIGINT', 30_000)
    }
  })

  it('gets another key than the one that was sent has no tunnel', async () => {
    writeFileSync(join(provider.host.home, 'cheat'), 'tampered')
    const attempt = consumer.start(['connect', '--json'])
    expect((await attempt.ended).code).toBe(1)
    expect(attempt.lines('stderr').join('\n')).toMatch(/No answer on UDP/)
    expect(attempt.output()).not.toContain('"connected"')
    await consumer.run('unlock', '--yes')
  })

  it('takes the money and stops loses no more than the megabyte that had begun, and 131 kB where it pays ahead', () =>
    losesNoMore('stop'))

  it('presents old promises again gets nothing for them', async () => {
    const { chain } = market
    const home = join(provider.host.home, '.pontage', 'provider')
    const password = await readPassword(join(provider.host.home, 'password'), '')
    const identity = await openKeystore(join(home, 'keystore.json'), password)
    await provider.program.stop()
    const told = logLines(provider.program, ({ message }) => message === 'promise').map((line) => ({
      channelId: String(line.channelId) as Hex,
      amount: wei(BigInt(String(line.amount))),
      signature: String(line.signature) as Hex,
    }))
    const [first, last] = [told[0], told.at(-1)]
    if (!first || !last) throw new Error('The provider told of no promise.')
    expect(told.length).toBeGreaterThan(10)

    const connected = await connectLink({
      url: (await chain.registry.standingOf(hub.address)).url,
      self: { identity, typedData: createTypedData(market.deployment), clock: systemClock },
      handlers: {},
      log: createLog('test', 'error'),
    })
    if (!connected.ok) throw new Error(JSON.stringify(connected.refusal))
    const totals: bigint[] = []
    for (const promises of [[last], [last], [first], [first, last]]) {
      const answer = await connected.link.request('clear', { promises })
      if (answer.ok) totals.push(answer.value.total)
    }
    connected.link.close()
    expect(new Set(totals)).toEqual(new Set([(last.amount * 98n) / 100n]))

    const {
      channels: [channel],
    } = await consumer.json<{ channels: { promised: { amount: string }[] }[] }>('channel', 'status')
    expect(channel?.promised).toMatchObject([{ amount: last.amount.toString() }])
    const { paid } = await chain.channels.accountOf(hub.address, provider.address)
    expect(paid).toBeLessThanOrEqual((last.amount * 98n) / 100n)
    console.log(
      `replay: ${told.length} promises, presented again for ${totals.length} times; the total stayed ${totals[0]}`,
    )
  })
})
