import { type Address, address } from '@pontage/shared'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  createMarket,
  type DeliveryMeter,
  eventually,
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

// The provider's daemon is killed again and again while two consumers download: at moments drawn from a seed, some of
// them while it starts. PONTAGE_KILLS and PONTAGE_SEED ask for more of it, or for the same again.

const kills = Number(process.env.PONTAGE_KILLS ?? 20)
const seed = Number(process.env.PONTAGE_SEED ?? 20_261_123)
const creditBytes = 2_000_000
const beneficiary: Address = address(`0x${'b5'.repeat(20)}`)
/** A megabyte at 1 token for a gigabyte. */
const price = 1_000_000_000_000_000n

let market: Market
let hub: Person
let provider: Person & { program: Program }
let consumers: Customer[]
let delivery: DeliveryMeter
let untouched: string

/** Somebody who downloads for as long as there is a way, and connects anew when a session is over. */
class Customer {
  session: Program | undefined
  sessions = 0
  /** Highest total that the provider has confirmed to this consumer. */
  accepted = 0n
  #seen = 0

  constructor(readonly person: Person) {}

  async connect(): Promise<void> {
    if (this.session?.running) return
    this.note()
    if (this.session) await this.person.run('disconnect')
    this.session = this.person.start(['connect', '--json'])
    this.#seen = 0
    this.sessions += 1
    await logged(this.session, 'connected', {}, 60_000)
  }

  /** Takes in what its session has printed of confirmed totals. */
  note(): void {
    if (!this.session) return
    const lines = logLines(this.session, ({ event }) => event === 'reconnecting' || event === 'reconnected')
    for (const line of lines.slice(this.#seen)) {
      const accepted = BigInt(String(line.accepted))
      if (accepted > this.accepted) this.accepted = accepted
    }
    this.#seen = lines.length
  }

  async promised(): Promise<bigint> {
    const {
      channels: [channel],
    } = await this.person.json<{ channels: { promised: { amount: string }[] }[] }>('channel', 'status')
    return BigInt(channel?.promised[0]?.amount ?? 0)
  }
}

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '1/GB', country: 'DE', hubs: [hub.address], beneficiary, megabits: 24 },
    ...{ redeemAbove: '1000', clearEvery: 3 },
  })
  await provider.program.stop()
  untouched = await machineState()
  delivery = await measureDelivery(market.internet)
  consumers = []
  for (const name of ['first', 'second']) {
    const person = await seatConsumer(market, name, '30')
    await person.run('channel', 'open', '--hub', hub.address, '--amount', '20')
    person.host.start([
      'sh',
      '-c',
      `while true; do curl -s --max-time 4 -o /dev/null ${market.internet.fileUrl(1_000_000_000)}; sleep 0.1; done`,
    ])
    consumers.push(new Customer(person))
  }
}, 300_000)
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(async () => {
  delivery?.stop()
  await market.destroy()
})

/** Everything of the provider's machine that serving changes. */
async function machineState(): Promise<string> {
  const { stdout } = await provider.host.run([
    'sh',
    '-c',
    `nft list ruleset; ip -brief link; ip rule; ip route show table all; ip -6 route
     grep -r . /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/forwarding /proc/sys/net/ipv4/ip_forward`,
  ])
  return stdout
}

const start = (): void => {
  provider.program = provider.start([
    ...['run', '--auto-redeem', '--endpoint', `${provider.host.address}:7800`, '--price', '1/GB'],
    ...['--country', 'DE', '--hub', hub.address, '--redeem-above', '1000', '--clear-every', '3'],
  ])
}

async function kill(): Promise<void> {
  provider.program.signal('SIGKILL')
  await provider.program.ended
}

/** The same moments for the same seed: an ordinary linear congruential generator. */
function* moments(): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

/** Bytes that went through the provider, measured at the internet's end. */
async function delivered(): Promise<number> {
  const { downBytes, upBytes } = await delivery.read(provider.host.address)
  return downBytes + upBytes
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What consumers have promised so far, in bytes. */
async function promisedBytes(): Promise<number> {
  const { hubs } = await provider.json<Books>('status')
  return Number(BigInt(hubs[0]?.promised ?? 0) / price) * 1_000_000
}

interface Books {
  readonly hubs: readonly { readonly promised: string; readonly cleared: string; readonly hubTotal: string }[]
}

describe('a provider that is killed again and again under load', () => {
  it(
    'loses no promise, gives nothing away beyond the credit, and leaves nothing behind',
    async () => {
      console.log(`seed ${seed}, ${kills} kills`)
      const moment = moments()
      let resumed = 0
      start()
      await provider.program.line(/"listening"/)
      const unpaidKills = Math.floor(kills / 4)
      for (let round = 0; round < kills - unpaidKills; round++) {
        if (round % 2 === 0) {
          await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
          for (const customer of consumers) await customer.connect()
          await pause(moment.next().value * 1_500)
        } else await pause(moment.next().value * 2_500)
        await kill()
        resumed += logLines(provider.program, ({ message }) => message === 'session resumed').length
        start()
      }
      // Consumers that stand still pay nothing, while their tunnels go on asking for more.
      await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
      for (const customer of consumers) await customer.connect()
      await pause(1_000)
      for (const customer of consumers) customer.session?.signal('SIGSTOP')
      for (let round = 0; round < unpaidKills; round++) {
        await pause(moment.next().value * 1_000)
        await kill()
        start()
        await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
      }
      const ahead = (await delivered()) - (await promisedBytes())
      for (const customer of consumers) customer.session?.signal('SIGCONT')
      await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
      for (const customer of consumers) {
        await customer.connect()
        customer.session?.signal('SIGINT')
        await customer.session?.ended
        customer.note()
      }
      const stored = await settled()
      let promised = 0n
      for (const customer of consumers) promised += await customer.promised()
      const accepted = consumers.reduce((sum, each) => sum + each.accepted, 0n)
      const sessions = consumers.reduce((sum, each) => sum + each.sessions, 0)
      const paidBytes = Number(stored / price) * 1_000_000
      const unpaid = (await delivered()) - paidBytes
      console.log(
        `${resumed} resumptions, ${sessions} sessions; paid ${paidBytes} bytes, in the end unpaid ${unpaid}; ` +
          `ahead of payment after ${unpaidKills} kills with consumers that stood still: ${ahead}, credit ${creditBytes} each`,
      )
      expect(stored).toBeGreaterThanOrEqual(accepted)
      expect(stored).toBeLessThanOrEqual(promised)
      expect(resumed).toBeGreaterThan(0)
      // No start gives a second credit. What the two counts may differ by, and headers of packets that were sent and
      // dropped, come on top.
      expect(ahead).toBeLessThanOrEqual(consumers.length * creditBytes + 0.03 * paidBytes + 500_000)
      // By as much the two counts may differ.
      expect(unpaid).toBeLessThanOrEqual(sessions * creditBytes + 0.03 * paidBytes + 500_000)
    },
    60_000 + kills * 15_000,
  )

  it('keeps sessions through a start that fails, for the next one', async () => {
    const [first] = consumers
    await first?.connect()
    await kill()
    const other = provider.host.start(['node', '-e', 'require("node:net").createServer().listen(7800)'])
    await eventually('another program has the port', async () =>
      (await provider.host.run(['ss', '-Hltn', 'sport = 7800'])).stdout.includes(':7800'),
    )
    start()
    expect((await provider.program.ended).code).toBe(1)
    expect(provider.program.output()).toMatch(/session resumed[\s\S]*7800/)
    expect(provider.program.output()).not.toMatch(/session ended|database/)
    await other.stop()
    start()
    await logged(provider.program, 'session resumed')
    await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
  })

  it('puts the machine back, and brings in what was promised before it died', async () => {
    const [first] = consumers
    await first?.connect()
    await pause(1_500)
    await kill()
    await provider.run('down')
    expect(await machineState()).toBe(untouched)
    first?.session?.signal('SIGINT')
    await first?.session?.ended
    start()
    await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
    const stored = await settled()
    await provider.program.stop()
    await provider.run('redeem', '--now')
    expect(await market.chain.token.balanceOf(beneficiary)).toBe(stored - (stored * 2n) / 100n)
  })
})

/** Waits until everything promised is cleared, and gives the sum. */
const settled = (): Promise<bigint> =>
  eventually(
    'everything promised is cleared',
    async () => {
      const { hubs } = await provider.json<Books>('status')
      const [books] = hubs
      return books?.promised === books?.cleared && BigInt(books?.promised ?? 0)
    },
    60_000,
  )
