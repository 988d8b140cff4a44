import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createMarket,
  eventually,
  logLines,
  type Market,
  type Person,
  type Program,
} from '../../world/index.js'
import { leakedWhile, prepareNoise } from '../captured.js'
import { bootConsumer, connectIn, goesThrough, heldBy, seenFrom } from '../consumerMachine.js'
import { unitLogged } from '../furnish.js'
import type { Machine } from '../machine.js'
import { tellWhenFailed } from '../tellWhenFailed.js'

// A connected machine is put to sleep and woken, while something in it tries to get out all the time: for a moment, for longer than
// its provider waits for it, and over the end of a month. What leaves it is captured outside.

let market: Market
let provider: Person & { program: Program }
let machine: Machine
let monthEndsAt: number

beforeAll(async () => {
  const today = new Date()
  monthEndsAt = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1)
  const oneHour = 3_600_000
  market = await createMarket('dual', { aheadMs: monthEndsAt - Date.now() - oneHour })
  const booted = await bootConsumer(market)
  machine = booted.machine
  provider = booted.provider
  await prepareNoise(machine, market.internet.host)
  await connectIn(machine)
  await machine.run('systemctl start machine-noise')
})
tellWhenFailed(() =>
  machine.run(
    'date; journalctl -b -u pontage -o cat | grep -v progress | tail -n 40; journalctl -b -u systemd-logind -u systemd-suspend | tail; wg show',
    120_000,
  ),
)
afterAll(async () => {
  await machine?.destroy()
  await market?.destroy()
})

/** Puts it to sleep until something has come about; asleep it says nothing, and awake it is seen as its provider. */
async function sleepsUntil(comes: () => Promise<unknown>): Promise<void> {
  const leaked = await leakedWhile(machine, provider.host, async () => {
    await goesThrough(market, machine, provider)
    await machine.suspend()
    const said = await machine.sent('ip or ip6')
    await comes()
    expect(await machine.sent('ip or ip6')).toEqual(said)
    await machine.wake()
    await goesThrough(market, machine, provider)
  })
  expect(leaked).toEqual([])
}

const ended = () => logLines(provider.program, ({ message }) => message === 'session ended').length
const events = (name: string) =>
  machine.run(`journalctl -b -u pontage -o cat | grep -c '"event":"${name}"' || true`).then(Number)

test('it sleeps for a moment, and goes on in the same session', async () => {
  await sleepsUntil(async () => undefined)
  expect(await events('failed-over')).toBe(0)
  expect(ended()).toBe(0)
})

test('it sleeps longer than its provider waits, and goes on in another session', async () => {
  const held = await heldBy(provider)
  await sleepsUntil(() => provider.program.when(() => ended() > 0, 'the session to be given up', 300_000))
  await eventually('it goes on paying', async () => (await heldBy(provider)) > held, 120_000)
})

test('a month ends while it sleeps: what it may use in a month counts anew, and no more passes', async () => {
  await machine.run(
    'echo PONTAGE_CONSUMER_CAP=8MB/month >>/etc/default/pontage; systemctl stop pontage',
    180_000,
  )
  // Months go by the time since it connected, whatever its clock is set to then.
  await market.skip(monthEndsAt - market.now() - 180_000)
  await machine.run(`date --set @${Math.round(market.now() / 1_000)}`)
  await connectIn(machine)
  const fetches = (bytes: number) =>
    machine.attempt(`curl -sS --max-time 60 -o /dev/null ${market.internet.fileUrl(bytes)}`, 90_000)
  const before = await events('failed-over')
  expect((await fetches(4_000_000)).code).toBe(0)
  const isPast = (ms: number) => async () => market.now() > monthEndsAt + ms
  await eventually('the month is nearly over', isPast(-30_000), 180_000)
  await sleepsUntil(async () => {
    expect(market.now()).toBeLessThan(monthEndsAt)
    await eventually('the month is over', isPast(2_000))
  })
  expect(await machine.run('date --utc +%d')).toBe('01')
  await fetches(50_000_000)
  await unitLogged(machine, 'pontage', '"event":"failed-over"', before + 1)
  await goesThrough(market, machine, provider)
  await fetches(50_000_000)
  const end = JSON.parse(await unitLogged(machine, 'pontage', '"event":"ended"', 2)) as Record<
    string,
    unknown
  >
  console.log(`ended by ${end.reason} after ${end.downBytes} and ${end.upBytes} bytes of twice 8000000`)
  expect(end.reason).toBe('cap')
  const flowed = Number(end.downBytes) + Number(end.upBytes)
  expect(flowed).toBeGreaterThan(8_000_000)
  expect(flowed).toBeLessThanOrEqual(16_000_000)
  expect(await seenFrom(market, machine)).toBe('')
})
